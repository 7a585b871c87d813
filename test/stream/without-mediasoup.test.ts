import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

/** A resolver that does as if mediasoup was not installed. */
const HOOKS = `data:text/javascript,${encodeURIComponent(`
  export async function resolve(name, context, next) {
    if (name === 'mediasoup') throw Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  }
`)}`;

it('without mediasoup everything loads, and the relay says what to install', async () => {
  const program = `
    import { register } from 'node:module';
    register(${JSON.stringify(HOOKS)});
    const { createRelay, TinySRError } = await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)});
    const error = await createRelay({ listen: '127.0.0.1:0' }).catch((thrown) => thrown);
    console.log(JSON.stringify([error instanceof TinySRError, error.code, error.hint]));
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
  const [known, code, hint] = JSON.parse(stdout) as [boolean, string, string];
  expect([known, code]).toEqual([true, 'TSR_MEDIASOUP_MISSING']);
  expect(hint).toContain('npm install mediasoup');
});
