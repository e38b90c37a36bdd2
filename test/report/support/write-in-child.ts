/**
 * Run as a process: writes reports of generated prompts into a folder and prints the paths.
 * Arguments: folder, prompts, characters per completion, `hang` to stop for ever half way.
 */
import { writeReports } from '../../../src/report/write-reports.ts';
import { completionOf, outcomeOf, sourceOf } from './report-fixtures.ts';

const [folder = '', prompts = '', characters = '', mode] = process.argv.slice(2);
const total = Number(prompts);

const text = (index: number): string => `${index}-`.repeat(Math.ceil(Number(characters) / 4));

const source = sourceOf([], {
  manifest: { prompts: total },
  async *outcomes() {
    for (let index = 0; index < total; index++) {
      if (mode === 'hang' && index === total / 2) {
        process.stdout.write('half way\n');
        await new Promise(() => setInterval(() => {}, 1000));
      }
      const completions = [completionOf(1, text(index)), completionOf(2, text(index + 1))];
      yield outcomeOf(`p${index}`, { completions });
    }
  },
});

const { resultsFile, csvFile } = await writeReports(source, folder);
process.stdout.write(`${JSON.stringify({ resultsFile, csvFile })}\n`);
