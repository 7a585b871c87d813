import { linkSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { frameHeader, matroskaHeader } from '#src/encode/matroska.js';
import { ERROR_CODES, type ErrorCode, frameLayout } from '#src/index.js';
import { ffmpeg, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { children } from '../support/processes.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];
const home = process.cwd();
afterEach(() => process.chdir(home));

const good = () =>
  folder.made('good.mp4', (path) => ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '3', ...FAST, path));
const written = (name: string, content: string | Buffer) => folder.made(name, (path) => writeFile(path, content));

/** Matroska of raw pictures whose header says a size, and a little data. */
const absurd = (width: number, height: number) =>
  written(
    `absurd-${width}x${height}.mkv`,
    Buffer.concat([
      matroskaHeader(frameLayout('rgb24', width, height), 0.04),
      frameHeader(3000, 0n),
      Buffer.alloc(3000),
    ]),
  );

const BAD: readonly (readonly [string, () => Promise<string>, ErrorCode, RegExp])[] = [
  ['a missing file', async () => folder.file('missing.mp4'), 'TSR_INPUT_NOT_FOUND', /missing\.mp4: no such file/],
  ['a missing folder', async () => folder.file('no/such/folder.mp4'), 'TSR_INPUT_NOT_FOUND', /no such file/],
  ['a folder', async () => folder.empty(), 'TSR_INPUT_NOT_FILE', /not a regular file/],
  ['a device', async () => '/dev/zero', 'TSR_INPUT_NOT_FILE', /not a regular file/],
  ['an empty file', () => written('empty.mp4', ''), 'TSR_INPUT_EMPTY', /the file is empty/],
  [
    'text named .mp4',
    () => written('text.mp4', 'Dear diary,\n'.repeat(50)),
    'TSR_INPUT_INVALID',
    /text\.mp4: not a readable/,
  ],
  [
    'noise named .mkv',
    () => written('noise.mkv', Buffer.from(counting(5000).map((i) => (i * 7919) >> 3))),
    'TSR_INPUT_INVALID',
    /noise\.mkv/,
  ],
  [
    'an mp4 that lost its moov',
    () =>
      folder.made('cut.mp4', async (path) => {
        const bytes = await readFile(await good());
        await writeFile(path, bytes.subarray(0, bytes.indexOf('moov') - 4));
      }),
    'TSR_INPUT_INVALID',
    /moov/,
  ],
  [
    'sound alone',
    () => folder.made('sound.mp4', (path) => ffmpeg('-f', 'lavfi', '-i', 'sine=duration=0.2', path)),
    'TSR_INPUT_NO_VIDEO',
    /no video stream/,
  ],
  [
    'sound with cover art',
    () =>
      folder.made('cover.mp4', async (path) => {
        const cover = folder.file('cover.jpg');
        await ffmpeg('-f', 'lavfi', '-i', 'color=s=64x64', '-frames:v', '1', cover);
        const inputs = ['-f', 'lavfi', '-i', 'sine=duration=0.2', '-i', cover, '-map', '0', '-map', '1'];
        await ffmpeg(...inputs, '-c:v', 'copy', '-disposition:v', 'attached_pic', path);
      }),
    'TSR_INPUT_NO_VIDEO',
    /no video stream/,
  ],
  ['a picture with absurd sides', () => absurd(20_000, 64), 'TSR_INPUT_TOO_LARGE', /20000x64/],
  ['a picture with an absurd number of pixels', () => absurd(16_000, 16_000), 'TSR_INPUT_TOO_LARGE', /16000x16000/],
  [
    'an absurd y4m',
    () => written('absurd.y4m', 'YUV4MPEG2 W99999 H99999 F25:1\nFRAME\n'),
    'TSR_INPUT_INVALID',
    /absurd\.y4m/,
  ],
  ['a y4m without a frame', () => written('none.y4m', 'YUV4MPEG2 W64 H48 F25:1\n'), 'TSR_INPUT_NO_FRAMES', /no frame/],
  [
    'an HLS playlist',
    () =>
      written(
        'list.m3u8',
        `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${folder.file('good.mp4')}\n#EXT-X-ENDLIST\n`,
      ),
    'TSR_INPUT_INVALID',
    /list\.m3u8/,
  ],
  [
    'a playlist named .mp4',
    () => written('list.mp4', `ffconcat version 1.0\nfile ${folder.file('good.mp4')}\n`),
    'TSR_INPUT_INVALID',
    /list\.mp4/,
  ],
  [
    'a DASH manifest',
    () =>
      written(
        'live.mpd',
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period/></MPD>',
      ),
    'TSR_INPUT_INVALID',
    /live\.mpd/,
  ],
  [
    'a drawing',
    () => written('drawing.png', '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'),
    'TSR_INPUT_INVALID',
    /drawing\.png/,
  ],
];

describe('a source that is no video', () => {
  it.each(BAD)('%s ends in one clear error and no output', async (_, make, code, message) => {
    const input = await make();
    const target = folder.empty();
    const error = await failure({ input, output: join(target, 'out.mp4') });
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(basename(input));
    expect(error.message).not.toContain('\n');
    expect(error.hint).toBeTruthy();
    expect(error.exitCode).toBe(ERROR_CODES[code].exit);
    expect(namesIn(target)).toEqual([]);
    expect(children()).toEqual([]);
  });
});

describe('protocols', () => {
  it('no address is opened, whatever the name looks like', async () => {
    let calls = 0;
    const server = createServer((socket) => {
      calls += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    for (const scheme of ['http', 'tcp', 'rtmp', 'rtsp', 'ftp', 'async:http', 'cache:http']) {
      const error = await failure({ input: `${scheme}://127.0.0.1:${port}/a.mp4`, output: folder.file('net.mp4') });
      expect(error.code).toBe('TSR_INPUT_NOT_FOUND');
      expect(error.hint).toMatch(/only files/);
    }
    const list = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:${port}/a.ts\n#EXT-X-ENDLIST\n`;
    const error = await failure({ input: await written('net.m3u8', list), output: folder.file('net.mp4') });
    expect(error.code).toBe('TSR_INPUT_INVALID');
    await new Promise((resolve) => server.close(resolve));
    expect(calls).toBe(0);
  });

  it.each([
    'concat:good.mp4|good.mp4',
    'subfile,,start,0,end,0,,:good.mp4',
    'data:video/mp4;base64,AAAA',
    'pipe:0',
    'fd:0',
  ])('%s is no file', async (input) => {
    await good();
    process.chdir(folder.path);
    const error = await failure({ input, output: folder.file('protocol.mp4') });
    expect(error.code).toBe('TSR_INPUT_NOT_FOUND');
  });
});

describe('names', () => {
  const NAMES = [
    'with space.mp4',
    `single' and "double".mp4`,
    'frame-%d-%03d.mp4',
    '-leading-dash.mp4',
    '--overwrite.mp4',
    'new\nline.mp4',
    'http:colon.mp4',
    'concat:a|b.mp4',
    'C:drive.mp4',
    '$(touch pwned) `id` $HOME.mp4',
    'back\\slash,comma;semi[bracket]=.mp4',
    '*?~#.mp4',
    'ünïcödé 漢字 🎬.mp4',
  ];

  it.each(NAMES)('%j is read and written as it is', async (name) => {
    const place = folder.empty();
    await copyFile(await good(), join(place, name));
    // Relative names: nothing in front hides a dash or a protocol.
    process.chdir(place);
    const output = name.replace(/\.mp4$/, '.mkv');
    await upscale({ input: name, output });
    process.chdir(home);
    expect(namesIn(place)).toEqual([name, output].sort());
    expect(await numbersIn(join(place, output))).toEqual(counting(3));
  });
});

it('an mp4 without its index is told how to get one', async () => {
  const bytes = await readFile(await good());
  const input = await written('without-index.mp4', bytes.subarray(0, bytes.indexOf('moov') - 4));
  expect((await failure({ input, output: folder.file('without-index.mkv') })).hint).toMatch(
    /index is missing.*untrunc/,
  );
});

describe('a target that cannot be written', () => {
  it('in a folder that is not there', async () => {
    const error = await failure({ input: await good(), output: folder.file('nowhere/out.mp4') });
    expect([error.code, error.exitCode]).toEqual(['TSR_OUTPUT_UNWRITABLE', 4]);
    expect(error.message).toMatch(/folder does not exist/);
  });

  it('below a file', async () => {
    const error = await failure({ input: await good(), output: join(await good(), 'out.mp4') });
    expect(error.code).toBe('TSR_OUTPUT_UNWRITABLE');
  });

  it('that is a folder', async () => {
    mkdirSync(folder.file('folder.mp4'));
    const error = await failure({ input: await good(), output: folder.file('folder.mp4'), overwrite: true });
    expect(error.code).toBe('TSR_OUTPUT_UNWRITABLE');
    expect([error.message, error.hint]).toEqual([
      expect.stringMatching(/is a folder/),
      expect.stringMatching(/file in it/),
    ]);
  });

  it('that is a device', async () => {
    const output = folder.file('null.mp4');
    symlinkSync('/dev/null', output);
    const error = await failure({ input: await good(), output, overwrite: true });
    expect([error.code, error.hint]).toEqual(['TSR_OUTPUT_UNWRITABLE', expect.stringContaining('write to -')]);
  });

  it.each([true, false])('whose name is too long is told before any work (overwrite %s)', async (overwrite) => {
    const target = folder.empty();
    const error = await failure({ input: await good(), output: join(target, `${'n'.repeat(252)}.mp4`), overwrite });
    expect([error.code, error.exitCode]).toEqual(['TSR_OUTPUT_UNWRITABLE', 4]);
    expect([error.message, error.hint]).toEqual([expect.stringMatching(/too long/), 'Choose a shorter name.']);
    expect(namesIn(target)).toEqual([]);
  });

  it('has a name as long as names can be', async () => {
    const target = folder.empty();
    const name = `${'n'.repeat(251)}.mp4`;
    await upscale({ input: await good(), output: join(target, name) });
    expect(namesIn(target)).toEqual([name]);
  });

  it('that is a link stays one: the file it leads to is replaced', async () => {
    const [place, away] = [folder.empty(), folder.empty()];
    const real = join(away, 'film.mp4');
    await copyFile(await good(), real);
    symlinkSync(real, join(place, 'link.mp4'));
    symlinkSync('link.mp4', join(place, 'other.mp4'));
    await upscale({ input: await good(), output: join(place, 'other.mp4'), overwrite: true }, () => {
      expect(namesIn(place)).toEqual(['link.mp4', 'other.mp4']);
    });
    expect([namesIn(place), namesIn(away)]).toEqual([['link.mp4', 'other.mp4'], ['film.mp4']]);
    expect(lstatSync(join(place, 'other.mp4')).isSymbolicLink()).toBe(true);
    expect(lstatSync(real).isFile()).toBe(true);
    expect((await videoStream(real)).width).toBe(4 * (await videoStream(await good())).width);
  });

  it('that is a link to nowhere is told before any work, and replaced when asked', async () => {
    const target = folder.empty();
    const output = join(target, 'link.mp4');
    symlinkSync('nowhere.mp4', output);
    const seen: string[] = [];
    const error = await failure({ input: await good(), output }, ({ type }) => seen.push(type));
    expect([error.code, seen]).toEqual(['TSR_OUTPUT_EXISTS', []]);
    await upscale({ input: await good(), output, overwrite: true });
    expect([namesIn(target), await numbersIn(output)]).toEqual([['link.mp4'], counting(3)]);
  });

  it.each(['mp4', 'mkv'])('in a folder that goes midway (.%s)', async (extension) => {
    const target = join(folder.empty(), 'goes');
    mkdirSync(target);
    const error = await failure({ input: await good(), output: join(target, `out.${extension}`) }, ({ type }) => {
      if (type === 'start') rmSync(target, { recursive: true });
    });
    expect([error.code, error.exitCode]).toEqual(['TSR_OUTPUT_UNWRITABLE', 4]);
    expect(error.message).toContain(`out.${extension}`);
    expect(children()).toEqual([]);
  });

  it('where not even the superuser may write', async () => {
    const error = await failure({ input: await good(), output: '/proc/out.mp4' });
    expect(error.code).toMatch(/^TSR_OUTPUT_UNWRITABLE$/);
  });

  it.each(['out.avi', 'out', 'out.txt', 'out.m3u8'])('with a container that is not known (%s)', async (name) => {
    const error = await failure({ input: await good(), output: folder.file(name) });
    expect(error.code).toBe('TSR_OUTPUT_FORMAT');
    expect(error.hint).toContain('.mkv');
  });

  it.each([
    ['out.mp4', 'prores'],
    ['out.webm', 'h264'],
    ['out.ts', 'av1'],
    ['out.mov', 'vp9'],
  ] as const)('with a codec that the container cannot hold (%s, %s)', async (name, codec) => {
    const error = await failure({ input: await good(), output: folder.file(name), codec });
    expect(error.code).toBe('TSR_OUTPUT_FORMAT');
    expect(error.message).toContain(codec);
  });

  it.each([
    [{ encoder: 'h264_none' }, 'TSR_ENCODER_MISSING'],
    [{ encoder: 'libx265', codec: 'h264' }, 'TSR_USAGE'],
    [{ encoder: 'h264_vaapi' }, 'TSR_ENCODER_MISSING'],
    [{ preset: 'warp9' }, 'TSR_ENCODER_MISSING'],
  ] as const)('with an encoder that cannot start (%j)', async (options, code) => {
    const target = folder.empty();
    const error = await failure({ input: await good(), output: join(target, 'out.mp4'), ...options });
    expect(error.code).toBe(code);
    expect(namesIn(target)).toEqual([]);
    expect(children()).toEqual([]);
  });
});

describe('input and output are the same file', () => {
  it.each([
    ['the same name', (place: string) => join(place, 'a.mp4')],
    ['another spelling', (place: string) => join(place, '.', 'x', '..', 'a.mp4')],
    [
      'a symbolic link',
      (place: string) => {
        symlinkSync(join(place, 'a.mp4'), join(place, 'link.mp4'));
        return join(place, 'link.mp4');
      },
    ],
    [
      'a hard link',
      (place: string) => {
        linkSync(join(place, 'a.mp4'), join(place, 'hard.mp4'));
        return join(place, 'hard.mp4');
      },
    ],
  ])('by %s', async (_, name) => {
    const place = folder.empty();
    mkdirSync(join(place, 'x'));
    const input = join(place, 'a.mp4');
    await copyFile(await good(), input);
    const error = await failure({ input, output: name(place), overwrite: true });
    expect([error.code, error.exitCode]).toEqual(['TSR_OUTPUT_SAME_AS_INPUT', 4]);
    expect((await videoStream(input)).width).toBe(64);
  });
});

describe('programs', () => {
  const saved = { ...process.env };
  afterEach(() => {
    for (const name of ['PATH', 'TINYSR_FFMPEG', 'TINYSR_FFPROBE']) {
      if (saved[name] === undefined) delete process.env[name];
      else process.env[name] = saved[name];
    }
  });

  it('no ffmpeg on PATH: it says what to install', async () => {
    const input = await good();
    process.env.PATH = folder.empty();
    const error = await failure({ input, output: folder.file('no-ffmpeg.mp4') });
    expect([error.code, error.exitCode]).toEqual(['TSR_FFMPEG_MISSING', 6]);
    expect(error.hint).toMatch(/apt-get install ffmpeg/);
  });

  it('an ffprobe that is not there is named', async () => {
    process.env.TINYSR_FFPROBE = folder.file('no-ffprobe');
    const error = await failure({ input: await good(), output: folder.file('no-ffprobe.mp4') });
    expect(error.code).toBe('TSR_FFMPEG_MISSING');
    expect(error.message).toContain('ffprobe');
  });

  it('an ffmpeg that is too old is refused with its version', async () => {
    const script = `#!/bin/sh\necho 'ffmpeg version 4.4.2-0ubuntu Copyright (c) 2000-2021'\n`;
    process.env.TINYSR_FFMPEG = await folder.made('old-ffmpeg', (path) => writeFile(path, script, { mode: 0o755 }));
    const error = await failure({ input: await good(), output: folder.file('old.mp4') });
    expect([error.code, error.exitCode]).toEqual(['TSR_FFMPEG_TOO_OLD', 6]);
    expect(error.message).toContain('4.4.2');
  });
});
