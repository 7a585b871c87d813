/**
 * Ways of getting frames from one ffmpeg through this process to another. Each is `(ends, frame, frames) => Promise`: `ends`
 * starts the two ffmpegs by the names of their files, `frame` is the number of bytes of a frame.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, open, openSync, read, rmSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { dist } from '../bench-gpu/dist.mjs';

const { PipeReader } = await dist('decode/pipe-reader.js');
const { SocketReader } = await dist('decode/socket-reader.js');
const [openFile, readFile, writeFile] = [open, read, write].map(promisify);
/** Frames under way, as in the line. */
const POOL = 4;

function fifo(scratch, name) {
  const path = join(scratch, name);
  rmSync(path, { force: true });
  execFileSync('mkfifo', [path]);
  return path;
}

const written = (stream, data) =>
  new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });

/** Reads frames with `fill` and hands them to `give`; while one is written the next are read. */
async function inFrames(fill, give, frame) {
  const free = Array.from({ length: POOL }, () => new Uint8Array(frame));
  let waiting;
  let writing = Promise.resolve();
  for (;;) {
    const buffer = free.pop();
    if (!buffer) {
      await new Promise((resolve) => {
        waiting = resolve;
      });
      continue;
    }
    if ((await fill(buffer)) < frame) break;
    writing = writing
      .then(() => give(buffer))
      .then(() => {
        free.push(buffer);
        waiting?.();
      });
  }
  await writing;
}

/** No Node between: one pipe, both ends ffmpeg's. */
const direct =
  (...options) =>
  async ({ source, sink, scratch }) => {
    const path = fifo(scratch, 'direct');
    const ends = [source(...options, path), sink(path)];
    await Promise.all(ends.map(({ exited }) => exited));
  };

/** Node's streams, as `a.stdout.pipe(b.stdin)` has them. */
async function streams({ source, sink }) {
  const [from, to] = [source('pipe:1'), sink('pipe:0')];
  await pipeline(from.child.stdout, to.child.stdin);
  await Promise.all([from.exited, to.exited]);
}

/** Node's streams, pieces put together to frames by the reader of this package, frames written whole. */
async function frames({ source, sink, frame }) {
  const [from, to] = [source('pipe:1'), sink('pipe:0')];
  const reader = new PipeReader(from.child.stdout);
  await inFrames(
    (buffer) => reader.fill(buffer),
    (buffer) => written(to.child.stdin, buffer),
    frame,
  );
  to.child.stdin.end();
  await Promise.all([from.exited, to.exited]);
}

/** FIFOs, read and written by the thread pool. */
async function fifoThreads({ source, sink, frame, scratch }) {
  const [input, output] = [fifo(scratch, 'in'), fifo(scratch, 'out')];
  const ends = [source(input), sink(output)];
  const [from, to] = await Promise.all([openFile(input, 'r'), openFile(output, 'w')]);
  const fill = async (buffer) => {
    let filled = 0;
    while (filled < frame) {
      const { bytesRead } = await readFile(from, buffer, filled, frame - filled, null);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  };
  const give = async (buffer) => {
    for (let at = 0; at < frame; ) at += (await writeFile(to, buffer, at, frame - at, null)).bytesWritten;
  };
  await inFrames(fill, give, frame);
  closeSync(from);
  closeSync(to);
  await Promise.all(ends.map(({ exited }) => exited));
}

/** Bytes of a read. */
const LARGE = 1 << 20;

/** Fills given buffers from a socket that reads into one large buffer of its own, over and over: nothing is allocated. */
class Filler {
  #piece = new Uint8Array(LARGE);
  #at = 0;
  #end = 0;
  #target;
  #filled = 0;
  #wake;
  #ended = false;
  socket;

  constructor(connectWith) {
    const callback = (bytes) => {
      this.#at = 0;
      this.#end = bytes;
      // Without room nothing more is read, so that what is left stays in the buffer.
      return !this.#full();
    };
    this.socket = connectWith({ buffer: this.#piece, callback });
    this.socket.once('end', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Moves what there is into the target. @returns whether there is no room for more */
  #full() {
    if (!this.#target) return true;
    const bytes = Math.min(this.#end - this.#at, this.#target.length - this.#filled);
    this.#target.set(this.#piece.subarray(this.#at, this.#at + bytes), this.#filled);
    this.#at += bytes;
    this.#filled += bytes;
    if (this.#filled < this.#target.length) return false;
    this.#target = undefined;
    this.#wake();
    return true;
  }

  async fill(target) {
    this.#target = target;
    this.#filled = 0;
    const woken = new Promise((resolve) => {
      this.#wake = resolve;
    });
    if (!this.#full()) {
      if (this.#ended) return this.#filled;
      this.socket.resume();
    }
    await woken;
    return this.#filled;
  }
}

/** A FIFO, read by the event loop straight into frames; written to stdin. */
async function fifoOnread({ source, sink, frame, scratch }) {
  const input = fifo(scratch, 'in');
  // Opened for both, so that it neither waits for the other end nor ends before it has come.
  const held = openSync(input, constants.O_RDWR);
  const fd = openSync(input, constants.O_RDONLY | constants.O_NONBLOCK);
  const [from, to] = [source(input), sink('pipe:0')];
  void from.exited.then(() => closeSync(held));
  const filler = new Filler((onread) => new Socket({ fd, readable: true, writable: false, onread }));
  await inFrames(
    (buffer) => filler.fill(buffer),
    (buffer) => written(to.child.stdin, buffer),
    frame,
  );
  to.child.stdin.end();
  await Promise.all([from.exited, to.exited]);
}

/** As the line does it: a socket made here, read straight into frames; ffmpeg writes a frame at a time. */
async function ownSocket({ sourceInto, sink, frame }) {
  const { reader, far } = await SocketReader.open();
  const from = sourceInto(far, '-avioflags', 'direct');
  far.destroy();
  const to = sink('pipe:0');
  await inFrames(
    (buffer) => reader.fill(buffer),
    (buffer) => written(to.child.stdin, buffer),
    frame,
  );
  reader.close();
  to.child.stdin.end();
  await Promise.all([from.exited, to.exited]);
}

/** Streams on the way in, a FIFO on the way out: a frame is one blocking write of a thread. */
async function fifoOut({ source, sink, frame, scratch }) {
  const output = fifo(scratch, 'out');
  const [from, to] = [source('pipe:1'), sink(output)];
  const fd = await openFile(output, 'w');
  const reader = new PipeReader(from.child.stdout);
  const give = async (buffer) => {
    for (let at = 0; at < frame; ) at += (await writeFile(fd, buffer, at, frame - at, null)).bytesWritten;
  };
  await inFrames((buffer) => reader.fill(buffer), give, frame);
  closeSync(fd);
  await Promise.all([from.exited, to.exited]);
}

/** All of them, by the name they are shown with. */
export const WAYS = {
  'ffmpeg | ffmpeg': direct(),
  'ffmpeg | ffmpeg, a write a frame': direct('-avioflags', 'direct'),
  'socket, stream out (in use)': ownSocket,
  'streams, piped': streams,
  'streams, frame by frame': frames,
  'FIFOs, thread pool': fifoThreads,
  'streams in, FIFO out': fifoOut,
  'FIFO in by onread, stream out': fifoOnread,
};
