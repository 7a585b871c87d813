import { pino } from 'pino';

const stderr = pino.destination({ dest: 2, sync: true });
// As with all that goes to stderr: a reader that has gone ends no work.
stderr.on('error', () => undefined);

/** Log for people who look for a fault: JSON lines on stderr, silent until a level is set. */
export const log = pino({ level: 'silent', base: null }, stderr);
