import { EnvironmentError, FormatError, InputError, NumericalError, QuerentError } from '../../core/errors.ts';
import type { SourcePosition } from '../../core/errors.ts';

/** An error as plain data, since classes do not survive the boundary between threads. */
export interface CarriedError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The error as plain data. */
export function carried(error: unknown): CarriedError {
  if (error instanceof QuerentError) {
    return { name: error.name, code: error.code, message: error.message, details: { ...error.details } };
  }
  const stack = error instanceof Error ? error.stack : String(error);
  return {
    name: 'EnvironmentError',
    code: 'WORKER_FAILED',
    message: error instanceof Error ? error.message : String(error),
    details: { stack },
  };
}

/** The error with the class it had. */
export function uncarried(error: CarriedError): QuerentError {
  const { name, code, message, details } = error;
  if (name === 'InputError') return new InputError(code, message, details);
  if (name === 'NumericalError') return new NumericalError(code, message, details);
  if (name === 'FormatError') {
    const position = { file: details.file, line: details.line, column: details.column } as SourcePosition;
    const prefix = [position.file, position.line, position.column].filter((part) => part !== undefined).join(':');
    return new FormatError(code, position, message.slice(prefix.length + 2), details);
  }
  return new EnvironmentError(code, message, details);
}
