/** Deeper nesting than any file of settings has: readers of YAML need stack and memory that grow with it. */
const DEEPEST = 200;

/**
 * Whether a YAML text nests deeper than 200 levels: by brackets (those in strings count too, which does no harm) or by
 * dashes of lists on one line. Lines are indented at most that far by people.
 */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (let k = 0; k < text.length; k++) {
    const letter = text[k];
    if (letter === '[' || letter === '{') depth++;
    else if (letter === ']' || letter === '}') depth = Math.max(0, depth - 1);
    if (depth > DEEPEST) return true;
  }
  return new RegExp(`(?:[-?:][ \\t]+){${DEEPEST}}`).test(text) || /^ {2000}/m.test(text);
}
