const number = (value, digits = 1) => (value === null || value === undefined ? '-' : value.toFixed(digits));

/**
 * What was found beside the benchmark, as tables for the terminal and for the page.
 *
 * @returns {{ title: string, note: string, head: string[], rows: string[][] }[]}
 */
export function tablesOf({ providers, checks, sweeps, hardware, commands }) {
  return [
    {
      title: 'Providers',
      note: 'Whether each loads, gives the result of the CPU, and beats it on a frame of 360x360.',
      head: ['provider', 'usable', 'beats the CPU', 'why not'],
      rows: providers.map(({ provider, usable, beatsCpu, reason }) => [
        provider,
        usable ? 'yes' : 'no',
        provider === 'cpu' || !usable ? '-' : beatsCpu ? 'yes' : 'no',
        reason ?? '',
      ]),
    },
    {
      title: 'Every graph against the CPU',
      note: 'Largest difference in levels of 255 from the CPU running the graph as written, over a batch of two frames.',
      head: ['provider', 'model', 'frames', 'difference', 'result'],
      rows: checks.flatMap(({ provider, model, rows, error }) =>
        rows
          .map(({ format, precision, levels, ok, error: why }) => [
            ...[provider, model, `${format} ${precision}`, number(levels, 2)],
            why ?? (ok ? 'right' : 'WRONG'),
          ])
          .concat(error ? [[provider, model, '-', '-', error]] : []),
      ),
    },
    {
      title: 'Batches and sessions',
      note: 'Frames a second of inference alone. Runs under way are those of each session.',
      head: ['provider', 'model', 'input', 'sessions', 'batch', 'under way', 'fps', 'ms a run'],
      rows: sweeps.flatMap(({ provider, model, rows, error }) =>
        rows
          .map((row) => [
            ...[provider, model, row.size, row.sessions, row.batch, row.inFlight].map(String),
            ...[number(row.fps), row.error ?? number(row.runMs, 2)],
          ])
          .concat(error ? [[provider, model, '-', '-', '-', '-', '-', error]] : []),
      ),
    },
    {
      title: 'Decoding and encoding at 1920x1080',
      note: 'By ffmpeg alone. Encoders are fed by decoding in software.',
      head: ['what', 'by', 'fps', 'why not'],
      rows: ['decode', 'encode'].flatMap((what) =>
        hardware[what].map(({ name, fps, error }) => [what, name, number(fps), error ?? '']),
      ),
    },
    {
      title: 'The command, file to file',
      note: 'examples/clip.mp4, with decoding and encoding by hardware where they work.',
      head: ['device', 'decoder', 'encoder', 'frames', 'fps', 'why not'],
      rows: commands.map(({ provider, hwaccel, encoder, frames, fps, error }) => [
        ...[provider, hwaccel, encoder, number(frames, 0), number(fps), error ?? ''],
      ]),
    },
  ].filter(({ rows }) => rows.length > 0);
}

/** The tables for a terminal. */
export function printTables(tables) {
  return tables
    .map(({ title, head, rows }) => {
      const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column].length)));
      const line = (row) =>
        row
          .map((text, column) => text.padEnd(widths[column]))
          .join('  ')
          .trimEnd();
      return [title, line(head), ...rows.map(line)].join('\n');
    })
    .join('\n\n');
}
