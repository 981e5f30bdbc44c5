import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { RunFileIssue } from './run-file-layers.ts';
import { escapeVariables, isRecord, mergeSettings, setLayer, withSetting, yamlLayer } from './run-file-layers.ts';

function read(text: string, env: Record<string, string> = {}) {
  const issues: RunFileIssue[] = [];
  const layer = yamlLayer(text, 'a.yaml', env, issues);
  return { layer, issues, value: layer.value };
}

describe('a YAML layer', () => {
  const text = 'name: a\nbasis:\n  cutoff: 5\n  nmax: [8, 4]\nstructures:\n  - {file: x}\n';
  const { layer } = read(text);

  it.each([
    [['name'], false, { line: 1, column: 7 }],
    [['name'], true, { line: 1, column: 1 }],
    [['basis', 'cutoff'], false, { line: 3, column: 11 }],
    [['basis', 'cutoff'], true, { line: 3, column: 3 }],
    [['basis', 'nmax', 1], false, { line: 4, column: 13 }],
    [['structures', 0, 'file'], false, { line: 6, column: 12 }],
    [[], false, { line: 1, column: 1 }],
  ] as const)('knows where %j stands (key: %s)', (path, key, position) => {
    expect(layer.locate(path, key)).toEqual({ file: 'a.yaml', ...position });
  });

  it('knows nothing of what it does not say', () => {
    expect(layer.locate(['basis', 'lmax'], false)).toBeNull();
    expect(layer.locate(['basis', 'lmax'], true)).toBeNull();
    expect(layer.locate(['structures', 3], false)).toBeNull();
  });

  it('reports duplicate keys, tabs and open brackets by their place, and then has no value', () => {
    for (const [broken, code] of [
      ['a: 1\na: 2\n', 'DUPLICATE_KEY'],
      ['a:\n\tb: 1\n', 'TAB_AS_INDENT'],
      ['a: [1\n', 'BAD_INDENT'],
    ] as const) {
      const { issues, value } = read(broken);
      expect(value, broken).toEqual({});
      expect(issues.length, broken).toBeGreaterThan(0);
      expect(issues[0]!.position.line, broken).toBeGreaterThanOrEqual(1);
      expect(issues.map(({ message }) => message).join(' '), broken).toMatch(/^[A-Z_]+: /);
      if (code !== 'BAD_INDENT') expect(issues[0]!.message).toContain(code);
    }
  });

  it('says nothing outside of its answer, as of a key that is a list', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    read('[a, b]: 1\n{c: d}: 2\n');
    setLayer('a={[b]: 1}', []);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it('reports an alias without its anchor', () => {
    expect(read('a: &x 1\nb: *x\n')).toMatchObject({ issues: [], value: { a: 1, b: 1 } });
    const { issues, value } = read('a: *nothing\n');
    expect(value).toEqual({});
    expect(issues).toEqual([expect.objectContaining({ message: expect.stringMatching(/^BAD_ALIAS: .*nothing/) })]);
  });

  it.each(['- a\n', '3\n', 'text\n', ''])('must be a mapping, not %j', (given) => {
    expect(read(given).issues).toContainEqual(
      expect.objectContaining({ message: 'Run file must be a mapping of keys to values' }),
    );
  });
});

describe('variables', () => {
  it.each([
    ['a: ${X}', { X: '5' }, 5],
    ['a: ${X}', { X: 'true' }, true],
    ['a: ${X}', { X: '5 Å' }, '5 Å'],
    ['a: "${X}"', { X: '5' }, '5'],
    ['a: ${X:-7}', {}, 7],
    ['a: ${X:-7}', { X: '' }, 7],
    ['a: ${X:-}', {}, ''],
    ['a: ${X}', { X: '' }, ''],
    ['a: x${X}y${Y}', { X: '1', Y: '2' }, 'x1y2'],
    ['a: $${X}', { X: '1' }, '${X}'],
    ['a: $X', { X: '1' }, '$X'],
    ["a: 'cost: ${X}'", { X: '1' }, 'cost: 1'],
    // What a variable holds is a value, never a piece of the file.
    ['a: ${X}', { X: '[1, 2]' }, '[1, 2]'],
    ['a: ${X}', { X: 'b: 1' }, 'b: 1'],
  ] as const)('%s with %j is %j', (text, env, value) => {
    const { issues, value: all } = read(text, env as Record<string, string>);
    expect(issues).toEqual([]);
    expect((all as { a: unknown }).a).toEqual(value);
  });

  it('can be written so that they are read as text', () => {
    const pieces = fc.constantFrom('$', '{', '}', 'X', '${X}', '${X:-y}', '$${X}', '${', ' ');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 6 }), (parts) => {
        const text = parts.join('');
        const { issues, value } = read(`a: ${JSON.stringify(escapeVariables(text))}\n`, { X: 'replaced' });
        expect(issues).toEqual([]);
        expect(value).toEqual({ a: text });
      }),
    );
  });

  it('that are not set are named, each at its place, and keys hold none', () => {
    const { issues } = read('a: ${X}\nb: [1, "${Y} and ${Z}"]\n');
    expect(issues.map(({ position, message }) => [position.line, position.column, message.split(' ')[2]])).toEqual([
      [1, 4, 'X'],
      [2, 8, 'Y'],
      [2, 8, 'Z'],
    ]);
    expect(read('${X}: 1\n').issues).toEqual([]);
  });
});

describe('merging', () => {
  it('adds and replaces leaf by leaf, and forgets a mapping of another kind', () => {
    const parent = { a: 1, b: { c: 2, d: 3 }, list: [1, 2], reference: { kind: 'x', mesh: [2, 2, 2] } };
    expect(mergeSettings(parent, { b: { d: 4, e: 5 }, list: [9] })).toEqual({
      ...parent,
      b: { c: 2, d: 4, e: 5 },
      list: [9],
    });
    expect(mergeSettings(parent, { reference: { kind: 'y' } })).toMatchObject({ reference: { kind: 'y' } });
    expect((mergeSettings(parent, { reference: { kind: 'y' } }) as typeof parent).reference).not.toHaveProperty('mesh');
    expect(mergeSettings(parent, { reference: { kind: 'x', b: 1 } })).toMatchObject({
      reference: { kind: 'x', mesh: [2, 2, 2], b: 1 },
    });
    expect(mergeSettings(parent, { b: null })).toMatchObject({ b: null });
    expect(mergeSettings(parent, undefined)).toBe(parent);
  });

  it('keeps every key of both, and what the child says wins', () => {
    const data = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.integer(), fc.dictionary(fc.constantFrom('x', 'y'), fc.integer())),
    );
    fc.assert(
      fc.property(data, data, (parent, child) => {
        const merged = mergeSettings(parent, child) as typeof parent;
        expect(new Set(Object.keys(merged))).toEqual(new Set([...Object.keys(parent), ...Object.keys(child)]));
        expect(mergeSettings(merged, child)).toEqual(merged);
        expect(merged).toMatchObject(child);
        expect(mergeSettings({}, child)).toEqual(child);
        expect(mergeSettings(parent, {})).toEqual(parent);
      }),
    );
  });
});

describe('--set', () => {
  const set = (argument: string) => {
    const issues: RunFileIssue[] = [];
    return { set: setLayer(argument, issues), issues };
  };

  it.each([
    ['seed=3', ['seed'], 3],
    ['stopping.forceRmse=0.08', ['stopping', 'forceRmse'], 0.08],
    ['structures.0.a=5.4', ['structures', 0, 'a'], 5.4],
    ['reference.command=[mpirun, -np, "4"]', ['reference', 'command'], ['mpirun', '-np', '4']],
    ['name=a=b', ['name'], 'a=b'],
    ['a.b={c: 1}', ['a', 'b'], { c: 1 }],
    ['a=', ['a'], null],
  ])('%s', (argument, path, value) => {
    expect(set(argument)).toMatchObject({ set: { path, value }, issues: [] });
  });

  it('refuses what is not YAML', () => {
    for (const argument of ['seed=[1', 'seed=*a', 'seed="']) {
      const { set: found, issues } = set(argument);
      expect(found).toBeNull();
      expect(issues[0]!.message).toMatch(/^value is not YAML: /);
    }
  });

  it.each(['', 'seed', '=3', '3=3', 'a b=1', '.a=1'])('refuses %j', (argument) => {
    const { set: found, issues } = set(argument);
    expect(found).toBeNull();
    expect(issues[0]).toMatchObject({
      position: { file: `--set ${argument}` },
      message: expect.stringContaining('must have the form path=value'),
    });
  });

  it('stands for its path and everything below it, and for nothing above', () => {
    const { layer } = set('a.b=1').set!;
    expect(layer.locate(['a', 'b'], false)).toEqual({ file: '--set a.b=1' });
    expect(layer.locate(['a', 'b', 'c'], true)).toEqual({ file: '--set a.b=1' });
    expect(layer.locate(['a'], false)).toBeNull();
    expect(layer.locate(['a', 'c'], false)).toBeNull();
  });

  it('makes what is missing on the way, and changes nothing else', () => {
    const settings = { a: { x: 1 }, list: [{ y: 1 }, { y: 2 }] };
    expect(withSetting(settings, ['a', 'z', 'w'], 3)).toEqual({ ...settings, a: { x: 1, z: { w: 3 } } });
    expect(withSetting(settings, ['list', 1, 'y'], 9)).toEqual({ ...settings, list: [{ y: 1 }, { y: 9 }] });
    expect(withSetting(settings, ['a', 'x', 'deep'], 1)).toEqual({ ...settings, a: { x: { deep: 1 } } });
    expect(withSetting(undefined, ['a'], 1)).toEqual({ a: 1 });
    expect(settings).toEqual({ a: { x: 1 }, list: [{ y: 1 }, { y: 2 }] });
  });
});

describe('isRecord', () => {
  it('is true of mappings alone', () => {
    expect([{}, { a: 1 }, [], null, undefined, 'a', 3].map(isRecord)).toEqual([
      ...[true, true, false, false, false, false, false],
    ]);
  });
});
