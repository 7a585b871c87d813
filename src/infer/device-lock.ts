/**
 * Lets one thread of this process at a time use a device. All webgpu sessions share one device, which is not made for
 * threads: two runs at once end the process.
 */
export class DeviceLock {
  readonly #cell: Int32Array<SharedArrayBuffer>;

  /** @param cell one number, shared by all who take turns */
  constructor(cell: Int32Array<SharedArrayBuffer>) {
    this.#cell = cell;
  }

  /** Waits for its turn, which blocks the thread, and works. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    while (Atomics.compareExchange(this.#cell, 0, 0, 1) !== 0) Atomics.wait(this.#cell, 0, 1);
    try {
      return await work();
    } finally {
      Atomics.store(this.#cell, 0, 0);
      Atomics.notify(this.#cell, 0, 1);
    }
  }
}
