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
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './install.mjs';
import { programs, root, runNode, runScript } from './project.mjs';
import { thirdPartyLicenses } from './third-party-licenses.mjs';

const requireHere = createRequire(import.meta.url);
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
    const inPrograms = await bundlePrograms(modules, fresh);
    const inWorkflows = await bundleWorkflows(modules, fresh);
    writeFileSync(
      join(fresh, 'THIRD-PARTY-LICENSES.txt'),
      thirdPartyLicenses([...inPrograms, ...inWorkflows]),
    );
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
 * Bundles the commands and the API, since reading hundreds of small modules takes longer than running them. Chunks are
 * at the top of `dist`, beside the workflow bundle. The packages in `dependencies` stay outside: they are installed
 * with durabatch, Temporal's classes must exist once, and its worker finds its thread and its native part by their
 * paths. Returns the files that are in the bundle.
 */
const bundlePrograms = async (modules, folder) => {
  const { build: bundle } = await import('esbuild');
  const { metafile } = await bundle({
    entryPoints: ['client/cli.js', 'index.js'].map((name) => join(modules, name)).filter(existsSync),
    absWorkingDir: root,
    outbase: modules,
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.6',
    plugins: [requiredOnUse(Object.keys(readPackage().dependencies))],
    legalComments: 'eof',
    logLevel: 'warning',
    metafile: true,
    // Bundled CommonJS modules load Node's own modules with it.
    banner: {
      js: "import { createRequire as toRequire } from 'node:module'; const require = toRequire(import.meta.url);",
    },
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((name) => inputs[name].bytesInOutput > 0),
  );
};

const readPackage = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * Leaves packages outside the bundle. They are loaded with `require`, because for `import` Node first reads all files
 * of a CommonJS package for the names they export, which is a tenth of a command's start. They are loaded when one of
 * their exports is first used: `--help` uses none of Temporal's client, whose 200 modules take half of a command's start.
 */
const requiredOnUse = (packages) => ({
  name: 'required-on-use',
  setup({ onResolve, onLoad }) {
    const namespace = 'required-on-use';
    const isOutside = (path) => packages.some((name) => path === name || path.startsWith(`${name}/`));
    onResolve({ filter: /^[@a-z]/ }, ({ path, kind }) => {
      if (!isOutside(path)) return undefined;
      return kind === 'require-call' ? { path, external: true } : { path, namespace };
    });
    onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: moduleThatRequires(path) }));
  },
});

/**
 * Named exports are those of the package. A default export is not: for packages with one for `import` and another for
 * `require`, such as openai, import the name.
 */
const moduleThatRequires = (path) => `
  let loaded;
  for (const name of ${JSON.stringify(Object.keys(requireHere(path)))})
    Object.defineProperty(exports, name, {
      enumerable: true,
      get: () => (loaded ??= require(${JSON.stringify(path)}))[name],
    });
`;

/** Copies the type declarations that those of the API need. */
const copyTypes = (modules, folder, name = 'index.d.ts') => {
  const target = join(folder, name);
  if (existsSync(target) || !existsSync(join(modules, name))) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(join(modules, name), target);
  for (const [, path] of readFileSync(target, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.ts['"]/g))
    copyTypes(modules, folder, join(dirname(name), `${path}.d.ts`));
};

/**
 * The SDK notes a stack trace of every promise that a workflow makes: with ten frames, each mapped back to
 * its source, that is more than half of the workflow thread's time. Two frames still say where a bug is. It stands before the
 * bundle, on its first line so that the source map stays right: once workflows run, `Error` is frozen.
 */
const BUNDLE_HEAD = 'Error.stackTraceLimit = 2; ';

/** Returns the files that are in the bundle. */
const bundleWorkflows = async (modules, folder) => {
  const files = [];
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
      plugins: [...(config.plugins ?? []), { apply: (compiler) => listModules(compiler, files) }],
    }),
  });
  writeFileSync(join(folder, 'workflow-bundle.js'), BUNDLE_HEAD + code);
  return files;
};

const listModules = ({ hooks }, files) =>
  hooks.compilation.tap('list-modules', (compilation) =>
    compilation.hooks.succeedModule.tap('list-modules', (module) => {
      const file = module.nameForCondition();
      if (file) files.push(file);
    }),
  );

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
    'scripts/third-party-licenses.mjs',
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
