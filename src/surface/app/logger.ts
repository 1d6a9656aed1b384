import { createLogger, type Logger, type LogLevel } from '../../platform/base/log.ts';
import { secretFieldNames } from '../api/kit/secret-fields.ts';
import { nameSettings } from '../settings/names.ts';

/** The logger of the program: no line has a secret of a request, and settings have their names. */
export function serviceLogger(level: LogLevel): Logger {
  return createLogger(level, undefined, { secretFields: secretFieldNames, reword: nameSettings });
}
