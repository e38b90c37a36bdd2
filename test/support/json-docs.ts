/** `docs/json.md` as data, and what it says of lines that were printed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Field {
  /** `string`, `number`, `boolean` or `list`. */
  type: string;
  isNullable: boolean;
  isOptional: boolean;
  /** Documented with another line, which has it too. */
  isInherited?: boolean;
}

export interface JsonDocs {
  /** Types of line that each command may print. */
  commands: ReadonlyMap<string, ReadonlySet<string>>;
  /** For each type of line, its fields by path: `a.b` in an object, `a[]` in a list. */
  lines: ReadonlyMap<string, ReadonlyMap<string, Field>>;
}

export function readJsonDocs(): JsonDocs {
  const text = readFileSync(fileURLToPath(new URL('../../docs/json.md', import.meta.url)), 'utf8');
  const sections = new Map(
    text
      .split(/^(?=##)/m)
      .map((section) => [/^#+ `?(\w+)`?/.exec(section)?.[1]?.toLowerCase() ?? '', section]),
  );
  const rowsOf = (name: string): string[][] =>
    [...(sections.get(name) ?? '').matchAll(/^\| `.*\|$/gm)].map(([row]) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  const namesIn = (cells: readonly string[]): string[] =>
    [...cells.join(' ').matchAll(/`([a-z]\w*)`/g)].map(([, name]) => name!);

  const fieldsOf = (name: string): Map<string, Field> => {
    const fields = new Map<string, Field>();
    // A line that has all of another one's fields says so before its own.
    const base = /^All fields of \[`(\w+)`\]/m.exec(sections.get(name) ?? '')?.[1];
    if (base !== undefined)
      for (const [path, field] of fieldsOf(base)) fields.set(path, { ...field, isInherited: true });
    for (const [pathCell = '', type = '', nullCell = ''] of rowsOf(name)) {
      const path = pathCell.replaceAll('`', '');
      const isOptional = nullCell.startsWith('absent');
      const isNullable = nullCell !== 'never' && !isOptional;
      const [, list, shape] = /^(list of )?\[(\w+)\]/.exec(type) ?? [];
      const element = /^list of (\w+)$/.exec(type)?.[1];
      const own =
        list !== undefined || element !== undefined ? 'list' : shape !== undefined ? 'object' : type;
      fields.set(path, { type: own, isNullable, isOptional });
      if (element !== undefined)
        fields.set(`${path}[]`, { type: element, isNullable: false, isOptional: false });
      if (shape === undefined) continue;
      for (const [inner, field] of fieldsOf(shape)) fields.set(`${path}${list ? '[]' : ''}.${inner}`, field);
    }
    return fields;
  };

  const commands = new Map(
    rowsOf('commands').map(([command = '', ...cells]) => [
      command.replaceAll('`', ''),
      new Set([...namesIn(cells), 'error']),
    ]),
  );
  const types = new Set([...commands.values()].flatMap((each) => [...each]));
  return { commands, lines: new Map([...types].map((type) => [type, fieldsOf(type)])) };
}

/** Every value in a line by its path; objects and lists themselves too, where somebody may ask for them. */
export function valuesOf(value: unknown, path = ''): { path: string; value: unknown }[] {
  const own = path === '' ? [] : [{ path, value }];
  if (Array.isArray(value)) return [...own, ...value.flatMap((each) => valuesOf(each, `${path}[]`))];
  if (typeof value !== 'object' || value === null) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([name, each]) =>
      valuesOf(each, path === '' ? name : `${path}.${name}`),
    ),
  ];
}

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'list' : typeof value);

/** What a line has that is not documented so, or has not that is. */
export function differences(line: Record<string, unknown>, fields: ReadonlyMap<string, Field>): string[] {
  const found: string[] = [];
  const values = valuesOf(line);
  const isBranch = (path: string): boolean =>
    [...fields.keys()].some((known) => known.startsWith(`${path}.`) || known.startsWith(`${path}[]`));
  for (const { path, value } of values) {
    const field = fields.get(path);
    if (field === undefined) {
      if (!isBranch(path)) found.push(`${path} is not documented`);
    } else if (value === null) {
      if (!field.isNullable) found.push(`${path} is null, and documented never to be`);
    } else if (typeOf(value) !== field.type) {
      found.push(`${path} is a ${typeOf(value)}, and documented as ${field.type}`);
    }
  }
  for (const [path, { isOptional }] of fields) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('.')));
    if (isOptional || path.endsWith('[]') || !hasObjectAt(values, parent)) continue;
    if (!values.some((each) => each.path === path)) found.push(`${path} is missing`);
  }
  return found;
}

const hasObjectAt = (values: { path: string; value: unknown }[], path: string): boolean =>
  path === '' ||
  values.some((each) => each.path === path && each.value !== null && !Array.isArray(each.value));
