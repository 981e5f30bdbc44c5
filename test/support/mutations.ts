/** Damage to files: what disks, editors, transfers, other programs and malice do to them. */
import type { RandomStream } from '../../src/core/random.ts';

/** Tokens that have broken readers before. */
const NASTY: readonly string[] = [
  ...[
    'nan',
    'NaN',
    '.nan',
    'inf',
    '-inf',
    '.inf',
    '1e999',
    '-1e999',
    '1e300',
    '1e-320',
    '-0',
    '0x10',
    '1_000',
    '1d5',
    '.',
  ],
  ...[
    '-',
    '+',
    '',
    '99999999999',
    '1000000000000',
    '-1',
    '0',
    '1e9',
    '1e12',
    '2147483648',
    '9007199254740993',
    '3.0',
    '007',
  ],
  ...[
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    '[[[[[[[[',
    '(((((',
    '\\',
    '=',
    ':',
    ',',
    '|',
    '#',
    '!',
    '&',
    '*',
    '%',
    '@',
    '`',
    '~',
    ';',
  ],
  ...['\n', '\r', '\r\n', '\t', ' ', '\0', '\ufeff', '\u2028', '\u00a0', '🜛', 'é', '\n\n\n', '\n;', '\n---\n', '...\n'],
  ...['T', 'F', 'true', 'null', '~', '?', '.', '_JSON ', '_JSON {"a": [1, {"b": null}]}', '_JSON "\\u0000"', '[nan]'],
  ...['[inf, 1]', '[T]', '[[1, nan], [2, 3]]', '__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ...['Si', 'Xx', 'X', 'D', 'energy=', 'energy=1 energy=2', 'pbc="T T T"', 'Lattice="0 0 0 0 0 0 0 0 0"'],
  ...[
    'stress="1 2 3 4 5 6 7 8 9"',
    'species:S:1:pos:R:3',
    ':R:3',
    'Z:I:1',
    'x:R:1000000000',
    'Direct',
    'Cartesian',
    'Selective',
  ],
  ...['- ', ': ', '? ', '<<: ', '!!binary ', '!!js/function ', '&a ', '*a', '&a [*a]', '{a: ', '[a, '],
  ...[
    'loop_',
    'data_',
    'save_',
    '_x',
    '1.0(2)',
    '(1)',
    "'x,y,z'",
    "'-x,-y,-z'",
    '1/0',
    'ITEM: ',
    'ITEM: ATOMS',
    'pp pp pp',
  ],
  ...['Atoms', 'Masses', 'Velocities', 'atoms', 'xlo xhi', 'avec', '# full', 'id type x y z', 'xs ys zs'],
];

/** Texts that nest, repeat or run on. */
function exhausting(stream: RandomStream): string {
  const size = 10 ** (1 + stream.integer(4));
  switch (stream.integer(9)) {
    case 0:
      return '['.repeat(size);
    case 1:
      return '{'.repeat(size);
    case 2:
      return '{"a":'.repeat(size);
    case 3:
      return '(('.repeat(size);
    case 4:
      return '9'.repeat(size);
    case 5:
      return 'x'.repeat(size);
    case 6:
      return ' \t'.repeat(size);
    case 7:
      return '\n'.repeat(size);
    default:
      return '- '.repeat(size);
  }
}

/** A text with one to four random edits: letters, words and lines changed, lost, doubled, moved, made nasty or endless. */
export function mutatedText(text: string, stream: RandomStream): string {
  let out = text;
  for (let edits = 1 + stream.integer(4); edits > 0; edits--) {
    const at = stream.integer(out.length + 1);
    const lines = out.split('\n');
    const k = stream.integer(lines.length);
    const nasty = NASTY[stream.integer(NASTY.length)]!;
    switch (stream.integer(14)) {
      case 0:
        out = out.slice(0, at) + String.fromCharCode(stream.integer(0x250)) + out.slice(at + 1);
        break;
      case 1:
        out = out.slice(0, at) + out.slice(at + 1 + stream.integer(3));
        break;
      case 2:
        out = out.slice(0, at) + nasty + out.slice(at);
        break;
      case 3:
        out = out.slice(0, at);
        break;
      case 4:
        lines.splice(k, 1 + stream.integer(2));
        out = lines.join('\n');
        break;
      case 5:
        lines.splice(stream.integer(lines.length + 1), 0, lines[k]!);
        out = lines.join('\n');
        break;
      case 6:
        // Two lines change places.
        out = lines.with(k, lines[stream.integer(lines.length)]!).join('\n');
        break;
      case 7:
        if (stream.integer(12) === 0) out = out.slice(0, at) + exhausting(stream) + out.slice(at);
        break;
      default: {
        // A whole word, which is where meaning sits.
        const words = out.split(/(\s+|[=,:"[\]{}])/);
        const word = 2 * stream.integer(Math.ceil(words.length / 2));
        const kind = stream.integer(4);
        if (kind === 0) words[word] = words[2 * stream.integer(Math.ceil(words.length / 2))] ?? '';
        else if (kind === 1) words.splice(word, 2);
        else words[word] = nasty;
        out = words.join('');
      }
    }
  }
  return out;
}

/** Bytes with one to four random edits: changed, flipped, lost, added, cut off or repeated. */
export function mutatedBytes(bytes: Uint8Array, stream: RandomStream): Uint8Array {
  let out = Uint8Array.from(bytes);
  for (let edits = 1 + stream.integer(4); edits > 0 && out.length > 0; edits--) {
    const at = stream.integer(out.length);
    switch (stream.integer(7)) {
      case 0:
        out = out.slice(0, at);
        break;
      case 1:
        out = Uint8Array.from([...out.subarray(0, at), stream.integer(256), ...out.subarray(at)]);
        break;
      case 2:
        out[at] = out[at]! ^ (1 << stream.integer(8));
        break;
      case 3:
        out[at] = [0, 1, 0x7f, 0x80, 0xff][stream.integer(5)]!;
        break;
      case 4: {
        // A number of four bytes made huge: sizes and offsets.
        for (let k = at; k < Math.min(at + 4, out.length); k++) out[k] = 0xff;
        break;
      }
      case 5: {
        const length = 1 + stream.integer(32);
        out = Uint8Array.from([...out.subarray(0, at), ...out.subarray(at + length)]);
        break;
      }
      default:
        out[at] = stream.integer(256);
    }
  }
  return out;
}

/** One damaged file: mostly as a text, sometimes its bytes, so that UTF-8 breaks too. */
export function mutated(seed: Uint8Array | string, stream: RandomStream): Uint8Array {
  const encoder = new TextEncoder();
  if (typeof seed !== 'string') return mutatedBytes(seed, stream);
  const text = stream.integer(8) === 0 ? seed : mutatedText(seed, stream);
  const bytes = encoder.encode(text);
  return text === seed || stream.integer(10) === 0 ? mutatedBytes(bytes, stream) : bytes;
}
