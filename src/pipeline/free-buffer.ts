import { MessageChannel } from 'node:worker_threads';

const { port1, port2 } = new MessageChannel();
port2.close();
port1.close();

/**
 * Frees a buffer's memory at once; it is detached. Left to the garbage collector, frames of megabytes make it run for
 * every few of them, and its runs cost more than all other work of the main thread.
 */
export function freeBuffer(buffer: ArrayBuffer): void {
  // A message to a closed port takes its transfers along to nowhere. ArrayBuffer.transfer(0) would, from Node 22 on.
  port1.postMessage(undefined, [buffer]);
}
