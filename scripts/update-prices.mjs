/**
 * Makes src/prices/tables/prices.json anew, the price table that comes with the program.
 *
 *   node scripts/update-prices.mjs              from the newest genai-prices on PyPI (needs pip and Python 3)
 *   node scripts/update-prices.mjs <wheel>      from this wheel
 *   node scripts/update-prices.mjs --date YYYY-MM-DD …   with another date than today's
 *
 * PyPI and not npm: the Python package has newer figures, and prices by service tier. What it lacks comes
 * from src/prices/tables/overlay.json. Look at the difference before you commit it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';
import { root, runScript } from './project.mjs';

const output = join(root, 'src', 'prices', 'tables', 'prices.json');

const downloadWheel = (folder) => {
  execFileSync('pip', ['download', '--quiet', '--no-deps', '--dest', folder, 'genai-prices'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return join(folder, readdirSync(folder)[0]);
};

const readWheel = (wheel) =>
  JSON.parse(
    execFileSync('python3', [join(root, 'scripts', 'read-genai-prices.py'), wheel], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    }),
  );

/** One model a line, so that a difference can be read. */
const toText = ({ providers, ...table }) => {
  const lines = providers.map(({ models, ...provider }) => {
    const head = JSON.stringify(provider).slice(0, -1);
    return `${head},"models":[\n${models.map((model) => JSON.stringify(model)).join(',\n')}\n]}`;
  });
  return `${JSON.stringify(table).slice(0, -1)},"providers":[\n${lines.join(',\n')}\n]}\n`;
};

await runScript(async () => {
  const { values, positionals } = parseArgs({
    options: { date: { type: 'string', default: new Date().toISOString().slice(0, 10) } },
    allowPositionals: true,
  });
  const folder = mkdtempSync(join(tmpdir(), 'genai-prices-'));
  const unregister = register();
  try {
    const wheel = positionals[0] ?? downloadWheel(folder);
    const { buildPriceTable } = await import('../src/prices/build-table.ts');
    const { countPriced, priceTableSchema } = await import('../src/prices/price-table.ts');
    const { unusedHistories } = await import('../src/prices/overlay.ts');
    const { fromGenaiPrices } = await import('../src/prices/from-genai-prices.ts');
    const version = basename(wheel).split('-')[1];
    const source = `genai-prices ${version}`;
    const raw = readWheel(wheel);
    const table = priceTableSchema.parse(buildPriceTable(raw, { date: values.date, source }));
    writeFileSync(output, toText(table));
    console.log(`${output}: ${countPriced(table)} models of ${table.providers.length} providers, ${source}`);
    for (const model of unusedHistories(fromGenaiPrices(raw))) {
      console.log(
        `The overlay's history of ${model} is left out: genai-prices says something else by now. Look at both.`,
      );
    }
  } finally {
    await unregister();
    rmSync(folder, { recursive: true, force: true });
  }
});
