/** Plain, structured-cloneable facts about an error: the thing, the value, the limit. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Base of the four classes of error that this project throws. `code` is stable and may be matched on. */
export abstract class QuerentError extends Error {
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/** The caller's fault: an argument, key or structure breaks a rule. Message: `<thing> must <rule>, got <value> <unit>`. */
export class InputError extends QuerentError {
  override readonly name = 'InputError';
}

/** A computation cannot give a finite, trustworthy number; `details` carry the pivot, condition number or residual. */
export class NumericalError extends QuerentError {
  override readonly name = 'NumericalError';
}

/** Where in a file something is wrong; lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** `file:line:column`, leaving out what is not known. */
export function formatPosition(position: SourcePosition): string {
  return [position.file, position.line, position.column].filter((part) => part !== undefined).join(':');
}

/** A file or text breaks its format; the message begins with `file:line:column:`. */
export class FormatError extends QuerentError {
  override readonly name = 'FormatError';
  readonly position: SourcePosition;

  constructor(code: string, position: SourcePosition, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(code, `${formatPosition(position)}: ${message}`, { ...details, ...position }, cause);
    this.position = position;
  }
}

/** The machine's fault: a binary is missing, a store is locked, a disk is full. Thrown by the node ring only. */
export class EnvironmentError extends QuerentError {
  override readonly name = 'EnvironmentError';
}
