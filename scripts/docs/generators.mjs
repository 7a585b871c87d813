import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { code, table } from './markdown.mjs';

/**
 * What a `<!-- generated:NAME -->` part holds, by its name: a function of the repository's root that returns Markdown.
 * Each loads what it reads only when a document asks for it.
 */
export const GENERATORS = { errors, options, relay, containers, pictures, models };

/** Error codes of src/shared/errors.ts, by exit status. */
async function errors(root) {
  const { ERROR_CODES } = await built(root, 'shared/errors.js', 'ERROR_CODES');
  const rows = Object.entries(ERROR_CODES).map(([name, { exit, meaning }]) => [code(name), String(exit), meaning]);
  rows.sort((a, b) => Number(a[1]) - Number(b[1]));
  return table(['Code', 'Exit status', 'When'], rows);
}

/** Options of the command, a table for each group in the order of their first option. */
async function options(root) {
  const { OPTION_TABLE } = await built(root, 'cli/options.js', 'OPTION_TABLE');
  return optionTables(OPTION_TABLE);
}

/** Options of the relay. */
async function relay(root) {
  const { RELAY_OPTION_TABLE } = await built(root, 'stream/cli-options.js', 'RELAY_OPTION_TABLE');
  return optionTables(RELAY_OPTION_TABLE);
}

function optionTables(definitions) {
  const groups = [...new Set(definitions.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const rows = definitions
      .filter((option) => option.group === group)
      .map((option) => [
        code(option.value === undefined ? option.flag : `${option.flag} ${option.value}`),
        option.choices && !option.value.includes('|')
          ? `${option.description}: ${option.choices.join(', ')}`
          : option.description,
        code(option.default),
        code(option.env),
      ]);
    return `**${group}**\n\n${table(['Option', 'Meaning', 'Default', 'Environment'], rows)}`;
  });
  return sections.join('\n\n');
}

/** What each container holds. */
async function containers(root) {
  const { CONTAINERS_TABLE } = await built(root, 'encode/containers.js', 'CONTAINERS_TABLE');
  const rows = CONTAINERS_TABLE.map((row) =>
    [row.container, row.extensions, row.codecs, row.audio, row.subtitles].map(list),
  );
  return table(['Container', 'Extensions', 'Video', 'Audio', 'Subtitles'], rows);
}

/** What each kind of picture holds. */
async function pictures(root) {
  const { PICTURES_TABLE } = await built(root, 'encode/pictures/formats.js', 'PICTURES_TABLE');
  const rows = PICTURES_TABLE.map((row) => [row.format, row.extensions, row.bits, row.transparency, row.profile]);
  return table(['Pictures', 'Extensions', 'Bits', 'Transparency', 'Colour profile'], rows);
}

/** Models that ship. */
function models(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'models', 'manifest.json'), 'utf8'));
  const rows = manifest.models.map((model) => [
    code(model.name),
    `x${model.scale}`,
    thousands(model.params),
    thousands(model.macsPerLrPixel),
    quality(model.quality),
    list([...new Set(model.variants.map(({ format, precision }) => `${format} ${precision}`))]),
    model.licence,
  ]);
  const head = ['Model', 'Scale', 'Parameters', 'MACs per input pixel', 'Quality', 'Variants', 'Licence'];
  return table(head, rows);
}

async function built(root, file, name) {
  const path = join(root, 'dist', file);
  const module = await import(pathToFileURL(path).href).catch((error) => {
    throw new Error(`dist/${file} cannot be loaded (${error.message}); run: npm run build`);
  });
  if (!module[name]) throw new Error(`dist/${file} has no export ${name}`);
  return module;
}

/** A list or a text; nothing for an empty one. */
function list(value) {
  return Array.isArray(value) ? value.join(', ') : value;
}

function thousands(value) {
  return value === undefined ? undefined : value.toLocaleString('en-US');
}

/** Metrics of any depth in one cell: `clean: psnrY 31.2, lpips 0.12; degraded: …`. */
function quality(metrics = {}) {
  const groups = Object.entries(metrics).map(([name, value]) =>
    value !== null && typeof value === 'object'
      ? `${name}: ${quality(value).replaceAll(';', ',')}`
      : `${name} ${value}`,
  );
  return groups.join(groups.some((group) => group.includes(': ')) ? '; ' : ', ');
}
