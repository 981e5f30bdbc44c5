/**
 * URL of a sibling module, in the form in which this file itself runs: `.ts` from the sources, `.js` from the
 * published package (the compiler does not rewrite URLs).
 */
export function workerUrl(name: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}
