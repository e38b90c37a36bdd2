import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './install.mjs';
import { programs, root, runNode, runScript } from './project.mjs';

const dist = join(root, 'dist');
const stampFile = 'build-stamp';

/** Builds dist when a source has changed since it was built. */
export const buildIfStale = async () => {
  const stampPath = join(dist, stampFile);
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === sourcesStamp()) return;
  await build();
};

/** Compiles and bundles next to `dist` and then takes its place: a failed build leaves the old one as it was. */
export const build = async () => {
  const stamp = sourcesStamp();
  const modules = join(root, `dist.${process.pid}.modules`);
  const fresh = join(root, `dist.${process.pid}`);
  console.log('Building …');
  try {
    const code = runNode([programs.tsc, '-p', 'tsconfig.build.json', '--outDir', modules]);
    if (code !== 0) throw new Error('The build failed: see the type errors above.');
    await bundlePrograms(modules, fresh);
    await bundleWorkflows(modules, fresh);
    copyTypes(modules, fresh);
    chmodSync(join(fresh, 'client', 'cli.js'), 0o755);
    writeFileSync(join(fresh, stampFile), stamp);
    rmSync(dist, { recursive: true, force: true });
    renameSync(fresh, dist);
  } finally {
    for (const folder of [modules, fresh]) rmSync(folder, { recursive: true, force: true });
  }
};

/**
 * A command is there sooner if it need not find and read hundreds of small modules first. Chunks lie at the
 * top of `dist`, beside the workflow bundle. Temporal's packages stay outside: the worker's thread and native
 * part are found by their place, and its classes must be the same for everybody.
 */
const bundlePrograms = async (modules, folder) => {
  const { build: bundle } = await import('esbuild');
  await bundle({
    entryPoints: ['client/cli.js', 'index.js'].map((name) => join(modules, name)).filter(existsSync),
    outbase: modules,
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.6',
    plugins: [requiredAtRun(/^@temporalio\//)],
    legalComments: 'eof',
    logLevel: 'warning',
    // What is CommonJS inside asks for Node's own modules by it.
    banner: {
      js: "import { createRequire as toRequire } from 'node:module'; const require = toRequire(import.meta.url);",
    },
  });
};

/**
 * Leaves CommonJS packages outside, to be had by `require`: by `import`, Node reads all their files for the names they
 * export first, which is a tenth of a command's start.
 */
const requiredAtRun = (packages) => ({
  name: 'required-at-run',
  setup({ onResolve, onLoad }) {
    const namespace = 'required-at-run';
    onResolve({ filter: packages }, ({ path, kind }) =>
      kind === 'require-call' ? { path, external: true } : { path, namespace },
    );
    onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
});

const copyTypes = (modules, folder) => {
  const types = readdirSync(modules, { recursive: true }).filter((name) => name.endsWith('.d.ts'));
  for (const name of types) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    copyFileSync(join(modules, name), join(folder, name));
  }
};

/**
 * The SDK notes a stack trace of every promise that a workflow makes: with ten frames, each mapped back to
 * its source, that is more than half of the workflow thread's time. Two frames still say where a bug is. It stands before the
 * bundle, on its first line so that the source map stays right: once workflows run, `Error` is frozen.
 */
const BUNDLE_HEAD = 'Error.stackTraceLimit = 2; ';

const bundleWorkflows = async (modules, folder) => {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(modules, 'workflows', 'index.js'),
    payloadConverterPath: join(modules, 'workflows', 'payload-converter.js'),
    logger: new DefaultLogger('WARN'),
    webpackConfigHook: (config) => ({
      ...config,
      // Stack traces name lines and do not show them; each worker reads this map anew.
      devtool: 'inline-nosources-source-map',
      // File names in the bundle, which stack traces show, must not depend on where it was built.
      context: modules,
      output: { ...config.output, devtoolModuleFilenameTemplate: '[resource-path]' },
    }),
  });
  writeFileSync(join(folder, 'workflow-bundle.js'), BUNDLE_HEAD + code);
};

/** Changes whenever a file that shapes dist does: names, sizes and times, so that looking costs milliseconds. */
const sourcesStamp = () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .filter((name) => /\.(ts|json)$/.test(name))
    .map((name) => join('src', name));
  const shapers = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.mjs',
  ];
  const hash = createHash('sha256');
  for (const name of [...sources.sort(), ...shapers]) {
    const { size, mtimeMs } = statSync(join(root, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(async () => {
    install();
    await build();
  });
}
