import type { TaskPlan } from './task-record.ts';
import { providers } from '../../platform/stores/providers.ts';
import type { Endpoints } from './endpoints.ts';
import { ServiceError } from '../service-error.ts';
import type { TaskCredentials } from './sync/sync-task-service.ts';

/**
 * That no bucket has the token of temporary credentials where its cloud knows none beside a key: it
 * would be left out in silence, and the key alone be used.
 *
 * @throws {ServiceError} naming the request's field.
 */
export function checkSessionTokens(
  places: Endpoints,
  plan: Pick<TaskPlan, 'source' | 'target'>,
  credentials: Pick<TaskCredentials, 'source' | 'target'>,
): void {
  for (const side of ['source', 'target'] as const) {
    const { dialect } = places.resolve(plan[side]);
    const { cloud, insteadOfSessionToken: instead } = providers[dialect];
    if (credentials[side].sessionToken === undefined || instead === undefined) continue;
    throw new ServiceError(
      'invalid-request',
      'Invalid request parameters.',
      `[${side}.sessionToken] invalid. ${cloud} has no token beside a key: give ${instead} as {${side}.secretAccessKey}, and leave this field out.`,
    );
  }
}
