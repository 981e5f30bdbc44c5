/** What a look over labelled data has found. */

/** How bad a finding is: the labels are wrong, somebody should look, or it is good to know. */
export type Severity = 'error' | 'warning' | 'note';

/** One finding about some frames. */
export interface Finding {
  /** Stable name, `STRESS_SIGN`. */
  readonly code: string;
  readonly severity: Severity;
  /** What was found, one sentence without a full stop. */
  readonly message: string;
  /** The numbers that say so. */
  readonly evidence: Readonly<Record<string, number | string>>;
  /** Indices of the frames concerned, rising. */
  readonly frames: readonly number[];
  /** What to do about it. */
  readonly advice: string;
}

const ORDER: readonly Severity[] = ['error', 'warning', 'note'];

/** Findings by severity, then as they came. */
export function sortedFindings(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

/** Indices of frames by their group, groups in the order met. */
export function framesByGroup(frames: readonly { readonly group: string }[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  frames.forEach(({ group }, f) => {
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [f]);
    else list.push(f);
  });
  return groups;
}
