import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Ports below this one are not for everybody; 0: all are, as in some containers. */
const FIRST = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
/** Root without the right to listen on any port. */
const PLAIN = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-net_bind_service', '--inh-caps=-all'] : [];

it.skipIf(FIRST === 0)('a relay on a port that its user may not have says that, and what to do', () => {
  const listen = ['--device', 'cpu', '--listen', `127.0.0.1:${FIRST - 1}`, '--media-port', '0'];
  const [program = '', ...args] = [...PLAIN, process.execPath, 'dist/cli/main.js', 'relay', ...listen];
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  expect(stderr).toContain(
    `TSR_RELAY_LISTEN: cannot listen on 127.0.0.1 port ${FIRST - 1}. This user may not listen there`,
  );
  expect(status).toBe(6);
});
