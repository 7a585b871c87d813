import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { FrameSource } from '#src/decode/frame-source.js';
import { FrameSink } from '#src/encode/frame-sink.js';
import { createUpscaler } from '#src/index.js';
import { FramePool } from '#src/pipeline/frame-pool.js';
import { Meter } from '#src/pipeline/meter.js';
import { planVideo } from '#src/pipeline/plan.js';
import { runLine } from '#src/pipeline/run-line.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];
const clip = (frames: number) =>
  folder.made(`clip-${frames}.mp4`, (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-frames:v', String(frames), ...FAST, path),
  );

describe('the frame pool', () => {
  it('gives as many buffers as it has; who comes then waits until one is given back, in turn', async () => {
    const pool = new FramePool(2, 100);
    const [first, second] = [await pool.acquire(), await pool.acquire()];
    expect(first).not.toBe(second);
    expect([first.byteLength, second.byteLength]).toEqual([100, 100]);
    const order: string[] = [];
    const third = pool.acquire().then((buffer) => order.push('third') && buffer);
    const fourth = pool.acquire().then((buffer) => order.push('fourth') && buffer);
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);
    pool.release(first);
    expect(await third).toBe(first);
    expect(order).toEqual(['third']);
    pool.release(second);
    expect(await fourth).toBe(second);
  });

  it('closed lets nobody wait, now or later', async () => {
    const pool = new FramePool(1, 10);
    await pool.acquire();
    const waiting = pool.acquire();
    pool.close();
    pool.close();
    await expect(waiting).rejects.toMatchObject({ code: 'TSR_INTERRUPTED' });
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'TSR_INTERRUPTED' });
  });
});

describe('memory', () => {
  it('the decoder is never further ahead of a slow encoder than the pool has buffers', async () => {
    const input = await folder.made('numbered.mp4', (path) =>
      ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '40', ...FAST, path),
    );
    const output = folder.file('slow.mkv');
    const { decode, encode, model } = await planVideo({ input, output }, input, folder.path);
    const source = await FrameSource.open(decode);
    const { format, width, height } = decode;
    const upscaler = await createUpscaler({ model, device: 'cpu', format, width, height, threads: 1, batch: 1 });
    const ahead: number[] = [];
    class SlowSink extends FrameSink {
      override async write(frames: readonly Uint8Array[], ptsNs: readonly bigint[]): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 10));
        ahead.push(source.frames - this.frames);
        await super.write(frames, ptsNs);
      }
    }
    const sink = new SlowSink(encode, output);
    const pool = new FramePool(4, upscaler.input.bytes);
    await runLine({
      source,
      upscaler,
      sink,
      pool,
      meter: new Meter(undefined),
      zeroNs: 0n,
      onWritten: () => undefined,
    });
    await sink.finish();
    await upscaler.close();
    expect(ahead).toHaveLength(40);
    expect(Math.max(...ahead)).toBeLessThanOrEqual(4);
    // It does run ahead: decoding does not wait for encoding.
    expect(Math.max(...ahead)).toBeGreaterThan(1);
    expect(await numbersIn(output)).toEqual(counting(40));
  });

  it('a clip ten times as long takes no more', async () => {
    const script = folder.file('peak.mjs');
    await writeFile(
      script,
      `import { upscaleVideo } from '${new URL('../../dist/index.js', import.meta.url)}';
       const [input, output] = process.argv.slice(2);
       upscaleVideo({ input, output, device: 'cpu', threads: 1, preset: 'ultrafast' }).subscribe({
         error: (error) => { console.error(error); process.exitCode = 1; },
         complete: () => console.log(process.resourceUsage().maxRSS / 1024),
       });`,
    );
    const peak = async (frames: number) => {
      const args = [script, await clip(frames), folder.file(`peak-${frames}.mkv`)];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      return Number(stdout);
    };
    const [short, long] = [await peak(60), await peak(600)];
    // 600 frames are 276 MB when they are upscaled: a line that kept them would show.
    expect(long).toBeLessThan(short * 1.05 + 24);
  });
});
