import 'ioredis'

/** Some more than V8 waits for until it remembers what an access found. */
const ENOUGH = 1_000

/*
 * Makes methods of strings fast again once ioredis is loaded: it has a class that extends String, and that turns String.prototype
 * into a dictionary. Optimized code then looks each method up anew at each call, and a loop over the characters of a text
 * takes four times as long. V8 makes it fast again when code that has run some times finds it behind an object; strings are
 * none (ADR 0041).
 */
const object = Object('')
const read = ({ trim }: string): unknown => trim
for (let turn = 0; turn < ENOUGH; turn += 1) read(object)
