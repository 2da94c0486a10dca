/** A text with its ISO times as people write them: to the second, and without seconds where they are 0. */
export function inWords(text: string): string {
  return text.replaceAll(
    /(\d{4}-\d\d-\d\d)T(\d\d:\d\d):(\d\d)(?:\.\d+)?Z/g,
    (_, day: string, minute: string, second: string) =>
      `${day} ${minute}${second === '00' ? '' : `:${second}`} UTC`,
  )
}
