import type { SyncTaskPlan } from '../../platform/model/sync-task.ts';
import { isAzureCloud } from '../../platform/stores/azure/dialects.ts';
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
  plan: Pick<SyncTaskPlan, 'source' | 'target'>,
  credentials: Pick<TaskCredentials, 'source' | 'target'>,
): void {
  for (const [side, field] of [
    ['source', 'src'],
    ['target', 'dst'],
  ] as const) {
    const given = credentials[side].sessionToken !== undefined;
    if (!given || !isAzureCloud(places.resolve(plan[side]).dialect)) continue;
    throw new ServiceError(
      'invalid-request',
      'Invalid request parameters.',
      `request parameter [${field}_security_token] invalid. Azure has no token beside a key: give a SAS token, or a connection string with a SharedAccessSignature, as ${field}_sk, and leave this field out.`,
    );
  }
}
