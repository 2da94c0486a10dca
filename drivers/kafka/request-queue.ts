import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests

/**
 * Makes kafkajs look for requests that wait only while some do.
 *
 * As it comes, each connection looks once a millisecond for ever, with a timer that Node warns is negative: a process
 * with a dozen of them is never idle. An answer that frees a place and a request that finds none both look by themselves.
 */
export function quietRequestQueues(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this)
  }
}
