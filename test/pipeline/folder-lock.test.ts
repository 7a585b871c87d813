import { utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FolderLock } from '#src/pipeline/resume/folder-lock.js';
import { MACHINE_PREFIX, OWNER } from '#src/shared/owner-name.js';
import { namesIn, testFolder } from '../support/folder.js';
import { errorOf } from '../support/upscale.js';

const folder = testFolder();
const HOUR_AGO = Date.now() / 1000 - 3600;
/** A process id that no Linux gives. */
const NOBODY = 2 ** 30;

/** A folder with another run's lock. */
function lockedBy(owner: string, silent: boolean): string {
  const path = folder.empty();
  const lock = join(path, `lock-${owner}`);
  writeFileSync(lock, '');
  if (silent) utimesSync(lock, HOUR_AGO, HOUR_AGO);
  return path;
}

it.each([
  ['a process of this machine that has ended', `${MACHINE_PREFIX}${NOBODY}-1`, false],
  ['an earlier process of the same number', `${OWNER}-77`, false],
  ['another machine that has been silent for an hour', `not-${hostname()}-1-1`, true],
  ['a live process that is no run of ours, silent for an hour', `${MACHINE_PREFIX}${process.ppid}-1`, true],
])('a lock of %s keeps nobody out', async (_whose, owner, silent) => {
  const path = lockedBy(owner, silent);
  const lock = await FolderLock.take(path, 'x.mkv');
  expect(namesIn(path)).toEqual([expect.stringContaining(`lock-${OWNER}-`)]);
  expect(await lock.isHeld()).toBe(true);
  await lock.release();
  expect([namesIn(path), await lock.isHeld()]).toEqual([[], false]);
});

it.each([
  ['a live process', `${MACHINE_PREFIX}${process.ppid}-1`],
  ['another machine', `not-${hostname()}-1-1`],
])('a fresh lock of %s does', async (_whose, owner) => {
  const path = lockedBy(owner, false);
  const { code, message, hint } = await errorOf(FolderLock.take(path, 'x.mkv'));
  expect([code, message]).toEqual(['TSR_OUTPUT_CLASH', 'x.mkv: another run is writing it']);
  expect(hint).toContain(join(path, `lock-${owner}`));
  expect(namesIn(path)).toEqual([`lock-${owner}`]);
});

it('of two at once in one process, one has it', async () => {
  const path = folder.empty();
  const lock = await FolderLock.take(path, 'x.mkv');
  expect((await errorOf(FolderLock.take(path, 'x.mkv'))).code).toBe('TSR_OUTPUT_CLASH');
  await lock.release();
  await (await FolderLock.take(path, 'x.mkv')).release();
});
