import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { lastReason } from '#src/decode/ffprobe.js';
import { LineReader } from '#src/decode/line-reader.js';
import { PipeReader } from '#src/decode/pipe-reader.js';
import { describePixelFormat } from '#src/decode/pixel-format.js';
import { SocketReader } from '#src/decode/socket-reader.js';
import { DamageCounter } from '#src/shared/damage.js';
import { counting } from '../support/pictures.js';

describe('a pipe reader', () => {
  const bytes = (...values: readonly number[]) => Buffer.from(values);

  it('fills buffers across chunks of any size, losing nothing', async () => {
    const stream = new PassThrough({ highWaterMark: 16 });
    const reader = new PipeReader(stream);
    const all = Buffer.from(counting(1000).map((i) => i & 255));
    const feed = async () => {
      for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7) % 61 || 1) {
        if (!stream.write(all.subarray(at, at + size))) await new Promise((resolve) => stream.once('drain', resolve));
      }
      stream.end();
    };
    const feeding = feed();
    const parts: Buffer[] = [];
    for (const size of [1, 10, 250, 3, 700, 100]) {
      const target = Buffer.alloc(size);
      parts.push(target.subarray(0, await reader.fill(target)));
    }
    await feeding;
    expect(parts.map((part) => part.length)).toEqual([1, 10, 250, 3, 700, 36]);
    expect(Buffer.compare(Buffer.concat(parts), all)).toBe(0);
  });

  it('gives what came before the end, then nothing', async () => {
    const stream = new PassThrough();
    const reader = new PipeReader(stream);
    stream.end(bytes(1, 2));
    expect(await reader.fill(Buffer.alloc(5))).toBe(2);
    expect(await reader.fill(Buffer.alloc(5))).toBe(0);
  });

  it('ends when the stream is destroyed, and tells its error', async () => {
    const silent = new PassThrough();
    const waiting = new PipeReader(silent).fill(Buffer.alloc(1));
    silent.destroy();
    expect(await waiting).toBe(0);
    const failing = new PassThrough();
    const failed = new PipeReader(failing).fill(Buffer.alloc(1));
    failing.destroy(new Error('broken'));
    await expect(failed).rejects.toThrow('broken');
  });
});

describe('a socket reader', () => {
  const numbered = (length: number) => Buffer.from(counting(length).map((i) => (i * 7 + (i >> 8)) & 255));
  const written = async (pieces: readonly Buffer[]) => {
    const { reader, far } = await SocketReader.open();
    const feed = async () => {
      for (const piece of pieces) if (!far.write(piece)) await once(far, 'drain');
      far.end();
    };
    const fed = feed();
    // A reader that leaves before the end breaks the pipe.
    fed.catch(() => undefined);
    return { reader, far, fed };
  };

  it('fills buffers across reads of any size, losing nothing', async () => {
    const all = numbered(1_000_000);
    const cuts = [1, 10, 65_535, 65_536, 200_000, 3];
    const pieces: Buffer[] = [];
    for (let at = 0, turn = 0; at < all.length; turn += 1) {
      const size = cuts[turn % cuts.length] ?? 1;
      pieces.push(all.subarray(at, at + size));
      at += size;
    }
    const { reader, fed } = await written(pieces);
    const parts: Buffer[] = [];
    for (const size of [1, 100, 65_536, 300_000, 7, 65_537, 500_000, 400_000]) {
      const target = Buffer.alloc(size);
      parts.push(target.subarray(0, await reader.fill(target)));
    }
    await fed;
    expect(parts.map((part) => part.length)).toEqual([1, 100, 65_536, 300_000, 7, 65_537, 500_000, 68_819]);
    expect(Buffer.concat(parts).equals(all)).toBe(true);
    reader.close();
  });

  it('writes nothing beyond what it was given', async () => {
    const { reader } = await written([numbered(300_000)]);
    const around = Buffer.alloc(200_010, 9);
    await reader.fill(around.subarray(5, 200_005));
    expect([...around.subarray(0, 5), ...around.subarray(200_005)]).toEqual(Array.from({ length: 10 }, () => 9));
    expect(around.subarray(5, 200_005).equals(numbered(300_000).subarray(0, 200_000))).toBe(true);
    reader.close();
  });

  it('reads no further than it is asked to', async () => {
    const { reader, far } = await SocketReader.open();
    far.on('error', () => undefined).write(numbered(8 << 20));
    await reader.fill(Buffer.alloc(1000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The rest waits in the system, which has room for far less, and in the writer.
    expect(far.writableLength).toBeGreaterThan(4 << 20);
    far.destroy();
    reader.close();
  });

  it('ends with the far end, and when it is closed', async () => {
    const { reader, far } = await written([numbered(3)]);
    expect(await reader.fill(Buffer.alloc(5))).toBe(3);
    expect(await reader.fill(Buffer.alloc(5))).toBe(0);
    far.destroy();
    const open = await SocketReader.open();
    const waiting = open.reader.fill(Buffer.alloc(1));
    open.reader.close();
    expect(await waiting).toBe(0);
    open.far.destroy();
  });

  it('leaves no file behind', async () => {
    const before = await readdir(tmpdir());
    const { reader, far } = await SocketReader.open();
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith('tinysr-') && !before.includes(name));
    expect(left).toEqual([]);
    reader.close();
    far.destroy();
  });
});

describe('a line reader', () => {
  it('gives lines in order, however they are cut, to those who wait and those who come late', async () => {
    const stream = new PassThrough();
    const reader = new LineReader(stream);
    const first = reader.next();
    for (const text of ['on', 'e\ntwo\n\nth', 'ree\n']) stream.write(text);
    expect(await first).toBe('one');
    expect([await reader.next(), await reader.next(), await reader.next()]).toEqual(['two', '', 'three']);
  });

  it('gives nothing after the end; a line that was not ended does not count', async () => {
    const stream = new PassThrough();
    const reader = new LineReader(stream);
    stream.end('whole\npart');
    expect([await reader.next(), await reader.next(), await reader.next()]).toEqual(['whole', undefined, undefined]);
    const silent = new PassThrough();
    const waiting = new LineReader(silent).next();
    silent.destroy();
    expect(await waiting).toBe(undefined);
  });

  it('tells the error of the stream, then and later', async () => {
    const stream = new PassThrough();
    const reader = new LineReader(stream);
    const waiting = reader.next();
    stream.destroy(new Error('broken'));
    await expect(waiting).rejects.toThrow('broken');
    await expect(reader.next()).rejects.toThrow('broken');
  });
});

describe('signs of damage', () => {
  it('are counted line by line, however the text is cut', () => {
    const counter = new DamageCounter();
    const text =
      '[h264 @ 0x55] Invalid NAL unit size (99 > 4).\n[h264 @ 0x55] all is well\nError while decoding stream #0:0: Invalid data\n' +
      '[h264 @ 0x55] error while decoding MB 3 4\n';
    for (const piece of text.match(/.{1,7}/gs) ?? []) counter.push(piece);
    expect(counter.count).toBe(3);
    expect(counter.first).toBe('Invalid NAL unit size (99 > 4).');
  });

  it('are none in a clean run', () => {
    const counter = new DamageCounter();
    counter.push('[mp4 @ 0x1] something harmless\nPast duration 0.99 too large\n');
    expect([counter.count, counter.first]).toEqual([0, undefined]);
  });
});

describe('the reason of a failure', () => {
  it.each([
    [
      '[mov,mp4 @ 0x55] moov atom not found\nfile:/a b.mp4: Invalid data found when processing input\n',
      'moov atom not found',
    ],
    ['file:x.txt: Invalid data found when processing input\n', 'Invalid data found when processing input'],
    ['[a @ 0x1] first\n[b @ 0x2] second\n    Last message repeated 3 times\n', 'second'],
    ['', ''],
  ])('of %j is %j', (stderr, reason) => {
    expect(lastReason(stderr)).toBe(reason);
  });
});

describe('the name of a pixel format', () => {
  it.each([
    ['yuv420p', 8, false, false, true],
    ['yuvj420p', 8, false, false, false],
    ['yuva420p10le', 10, true, false, true],
    ['yuv422p10le', 10, false, false, false],
    ['yuv444p12be', 12, false, false, false],
    ['p010le', 10, false, false, true],
    ['nv12', 8, false, false, true],
    ['gray10le', 10, false, false, false],
    ['gbrp', 8, false, true, false],
    ['gbrap16le', 16, true, true, false],
    ['rgba', 8, true, true, false],
    ['rgb48le', 16, false, true, false],
    ['pal8', 8, true, true, false],
  ])('%s: %i bits, alpha %s, RGB %s, 4:2:0 %s', (name, depth, alpha, rgb, chroma420) => {
    expect(describePixelFormat(name)).toEqual({ depth, alpha, rgb, chroma420 });
  });
});
