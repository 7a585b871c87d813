import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder of a test file's own, removed after its tests. */
export interface TestFolder {
  readonly path: string;
  /** Path of a file in the folder. */
  file(name: string): string;
  /** A file's bytes as text, one character a byte unless it is UTF-8. */
  read(name: string, encoding?: 'latin1' | 'utf8'): Promise<string>;
  /** A new empty folder in it. */
  empty(): string;
  /** Makes a file once and gives its path; later calls of the same name wait for the same file. */
  made(name: string, make: (path: string) => Promise<unknown>): Promise<string>;
}

/** Creates the folder. Call it at the top of a test file. */
export function testFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'tinysr-test-'));
  const making = new Map<string, Promise<string>>();
  let count = 0;
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  const file = (name: string) => join(path, name);
  return {
    path,
    file,
    read: (name, encoding = 'latin1') => readFile(file(name), encoding),
    empty() {
      count += 1;
      const folder = file(`empty-${count}`);
      mkdirSync(folder);
      return folder;
    },
    made(name, make) {
      const known = making.get(name) ?? make(file(name)).then(() => file(name));
      making.set(name, known);
      return known;
    },
  };
}

/** Names in a folder, hidden ones included. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}
