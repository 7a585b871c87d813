import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Ports below this one are not for everybody; 0: all are. */
const FIRST = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
/** Who may not have them: root may. */
const uid = process.getuid?.() === 0 ? 65_534 : undefined;

it.skipIf(FIRST === 0)('a relay on a port that its user may not have says that, and what to do', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['dist/cli/main.js', 'relay', '--device', 'cpu', '--listen', `127.0.0.1:${FIRST - 1}`, '--media-port', '0'],
    { uid, encoding: 'utf8' },
  );
  expect(stderr).toContain(
    `TSR_RELAY_LISTEN: cannot listen on 127.0.0.1 port ${FIRST - 1}. This user may not listen there`,
  );
  expect(status).toBe(6);
});
