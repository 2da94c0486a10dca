import { setFlagsFromString } from 'node:v8'

/*
 * Has every object begin among the young ones, where most of them end within a millisecond; to be imported before all else.
 *
 * V8 guesses from the first seconds of a process which places in the code make objects that last, and from then on makes those
 * among the old. Where it guesses that of what Node makes for each request, a dead request keeps the next one: a third of all
 * that requests need grows old, and each collection of garbage takes 20 ms instead of one (ADR 0039).
 */
setFlagsFromString('--no-allocation-site-pretenuring')
