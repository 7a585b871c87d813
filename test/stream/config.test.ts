import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { RELAY_OPTION_TABLE } from '#src/stream/cli-options.js';
import { relaySchema, resolveOptions } from '#src/stream/options.js';
import { relayConfig, runRelay } from '#src/stream/run-relay.js';
import { sameSecret } from '#src/stream/token.js';
import { testFolder } from '../support/folder.js';

const folder = testFolder();

describe('settings of the relay', () => {
  it('every setting can be given on the command line, and nothing else', () => {
    const flags = RELAY_OPTION_TABLE.map(({ name }) => name).filter((name) => name !== 'config');
    expect(flags.sort()).toEqual(Object.keys(relaySchema.shape).sort());
  });

  it('flags go before the environment, and that before the config file', async () => {
    const config = folder.file('relay.json');
    await writeFile(config, JSON.stringify({ maxRooms: 1, maxViewers: 1, codec: 'vp8' }));
    const environment = { TINYSR_RELAY_MAX_ROOMS: '2', TINYSR_RELAY_MAX_VIEWERS: '2' };
    const settings = resolveOptions(await relayConfig({ config, maxRooms: '3' }, environment));
    expect(settings).toMatchObject({ maxRooms: 3, maxViewers: 2, codec: 'vp8', maxBitrate: 8_000_000 });
  });

  it('reads a config file of an editor of Windows, and says what keeps others from being read', async () => {
    const config = folder.file('windows.json');
    await writeFile(config, `\uFEFF${JSON.stringify({ maxRooms: 5 })}`);
    expect(await relayConfig({ config }, {})).toMatchObject({ maxRooms: 5 });
    const refused = (path: string) => expect(relayConfig({ config: path }, {})).rejects;
    await refused(folder.file('nothing.json')).toThrow(/nothing\.json: the config file does not exist$/);
    await refused(folder.path).toThrow(/: the config file is a folder$/);
  });

  it('reads addresses', () => {
    expect(resolveOptions({ listen: '9000' })).toMatchObject({ host: '127.0.0.1', port: 9000 });
    expect(resolveOptions({ listen: '0.0.0.0:9000' })).toMatchObject({ host: '0.0.0.0', port: 9000 });
    expect(resolveOptions({ listen: '[::1]:9000' })).toMatchObject({ host: '::1', port: 9000 });
  });

  it.each([
    [{ listen: 'here' }, /listen/],
    [{ listen: '127.0.0.1:70000' }, /70000/],
    [{ maxOutput: '1080p' }, /maxOutput/],
    [{ token: 'short' }, /token/],
    [{ tlsCert: 'a.pem' }, /tlsKey/],
    [{ iceServers: [{ urls: 'turn.example.org' }] }, /iceServers.*stun/],
    [{ iceServers: [{ urls: ['stun:a.example', 'turn:b.example'] }] }, /username and credential/],
    [{ allowOrigins: ['*'] }, /allowOrigins.*origin/],
    [{ allowOrigins: ['example.org'] }, /allowOrigins.*origin/],
    [{ nonsense: 1 } as object, /nonsense/],
    [{ openUpscaler: 'cpu' } as object, /^openUpscaler: must be a function/],
    [{ maxViewers: 'many' }, /^maxViewers: must be a whole number from 1 to 10000$/],
    [{ maxViewers: 0 }, /^maxViewers: must be a whole number from 1 to 10000$/],
    [{ maxRooms: '1.5' }, /^maxRooms: must be a whole number/],
    [{ mediaPort: null } as object, /^mediaPort: must be a whole number from 0 to 65535$/],
    [{ mediaPort: true } as object, /^mediaPort: must be a whole number/],
  ])('refuses %j', (config, message) => {
    expect(() => resolveOptions(config)).toThrow(
      expect.objectContaining({ code: 'TSR_RELAY_CONFIG', message: expect.stringMatching(message) }),
    );
  });

  it('takes ICE servers and origins as people write them', () => {
    const turn = { urls: ['turns:b.example:5349?transport=tcp'], username: 'a', credential: 'b' };
    expect(resolveOptions({ iceServers: [{ urls: 'stun:a.example:3478' }, turn] }).iceServers).toHaveLength(2);
    expect(resolveOptions({ allowOrigins: ['https://Example.org/', 'http://a.example:8080'] }).allowOrigins).toEqual([
      'https://example.org',
      'http://a.example:8080',
    ]);
  });

  it('takes no empty token for none: that would let everybody in', async () => {
    for (const [flags, environment] of [
      [{ token: '' }, {}],
      [{}, { TINYSR_RELAY_TOKEN: '' }],
    ]) {
      await expect(relayConfig(flags ?? {}, environment)).rejects.toMatchObject({ code: 'TSR_RELAY_CONFIG' });
    }
    expect(await relayConfig({}, { TINYSR_RELAY_MODEL: '' })).toEqual({});
  });

  it('refuses a config file that is none', async () => {
    await expect(relayConfig({ config: '/nowhere.json' }, {})).rejects.toMatchObject({ code: 'TSR_RELAY_CONFIG' });
  });

  it('compares secrets of any length', () => {
    expect(sameSecret('abc', 'abc')).toBe(true);
    expect(sameSecret('abc', 'abd')).toBe(false);
    expect(sameSecret('', 'a much longer one')).toBe(false);
  });
});

it('a relay that is stopped before it listens says so, with the reason', async () => {
  const reason = new Error('mine');
  await expect(runRelay({}, AbortSignal.abort(reason))).rejects.toMatchObject({
    code: 'TSR_INTERRUPTED',
    cause: reason,
  });
});
