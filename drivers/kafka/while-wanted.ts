/** Ends the tries to open a partition once it was given to another consumer. */
export function whileWanted(partition: number, isWanted: () => boolean): () => Promise<void> {
  return async () => {
    if (!isWanted()) throw new Error(`partition ${partition} was given to another consumer`)
  }
}
