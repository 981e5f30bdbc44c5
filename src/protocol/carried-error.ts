import type { SourcePosition } from '../core/errors.ts';
import {
  EnvironmentError,
  FormatError,
  formatPosition,
  InputError,
  NumericalError,
  QuerentError,
} from '../core/errors.ts';

/** An error as plain data, since classes do not survive the boundary between threads. */
export interface CarriedError {
  /** Class of the error; `Error` for anything that is not thrown on purpose. */
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Where it was thrown, for errors that are faults of the program. */
  readonly stack: string | null;
}

/** The error as plain data. */
export function carried(error: unknown): CarriedError {
  if (error instanceof QuerentError) {
    const { name, code, message, details } = error;
    return { name, code, message, details: { ...details }, stack: null };
  }
  const known = error instanceof Error;
  return {
    name: 'Error',
    code: '',
    message: known ? error.message : String(error),
    details: {},
    stack: known ? (error.stack ?? null) : null,
  };
}

/** The error with the class it had; what was no error of this project comes back as a plain `Error` with its stack. */
export function uncarried(error: CarriedError): Error {
  const { name, code, message, details } = error;
  if (name === 'InputError') return new InputError(code, message, details);
  if (name === 'NumericalError') return new NumericalError(code, message, details);
  if (name === 'EnvironmentError') return new EnvironmentError(code, message, details);
  if (name === 'FormatError') {
    const position = { file: details.file, line: details.line, column: details.column } as SourcePosition;
    return new FormatError(code, position, message.slice(formatPosition(position).length + 2), details);
  }
  const fault = new Error(message);
  if (error.stack !== null) fault.stack = error.stack;
  return fault;
}
