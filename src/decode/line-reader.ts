import type { Readable } from 'node:stream';

/**
 * Gives the lines of a stream one by one, as Node's readline does through more layers: one comes with every frame. Lines
 * that nobody asked for yet are kept: use it where another stream bounds how many come.
 */
export class LineReader {
  readonly #lines: string[] = [];
  /** A line that has come in part. */
  #begun = '';
  #ended = false;
  #error: Error | undefined;
  #waiting: { resolve(line: string | undefined): void; reject(error: Error): void } | undefined;

  constructor(stream: Readable) {
    stream.setEncoding('latin1').on('data', (text: string) => this.#take(text));
    for (const event of ['end', 'close']) stream.once(event, () => this.#end());
    stream.once('error', (error) => {
      this.#error = error;
      this.#end();
    });
  }

  /** The next line, without its end; undefined when the stream has ended. One call at a time. @throws the stream's own error */
  next(): Promise<string | undefined> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#error) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #take(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#give(this.#begun + text.slice(from, end));
      this.#begun = '';
      from = end + 1;
    }
    this.#begun += text.slice(from);
  }

  #give(line: string): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve(line);
    else this.#lines.push(line);
  }

  #end(): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (this.#error) waiting?.reject(this.#error);
    else waiting?.resolve(undefined);
  }
}
