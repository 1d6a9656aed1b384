import { randomBytes } from 'node:crypto';
import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials.js';
import { Logger4jInstance } from '@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger.js';
import { UserOptions } from '@huaweicloud/huaweicloud-sdk-core/UserOptions.js';
import type { AccessKey } from '../kit/sign-request.ts';
import type { TestService } from '../kit/service.ts';
import { OmsNodeClient } from './oms-node-client.ts';

// It prints every refusal to the standard output, and these tests provoke refusals.
Logger4jInstance.level = 'off';

/** An access key of a new user. @param policies What the user may do in the project. */
export async function makeKey(
  { brigade: { identity }, projectId }: TestService,
  policies: readonly string[] = ['OMS Administrator'],
  project = projectId,
): Promise<AccessKey> {
  const user = `user-${randomBytes(6).toString('hex')}`;
  await identity.createUser({ name: user, password: undefined });
  for (const policy of policies) {
    await identity.createGrant({ user, group: undefined, projectId: project, policy });
  }
  const { id, secret } = await identity.createAccessKey(user);
  return { id, secret: secret.reveal() };
}

export interface ClientOptions {
  /** Of the path; that of the service unless said otherwise. */
  readonly projectId?: string;
  /** Headers that are signed with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent in place of a body. */
  readonly transformBody?: () => string;
}

/** The client as its documentation says to build it, with a key, a project and an endpoint. */
export function clientOf(
  service: Pick<TestService, 'url' | 'projectId'>,
  key: AccessKey,
  { projectId = service.projectId, headers, transformBody }: ClientOptions = {},
): OmsNodeClient {
  return OmsNodeClient.newBuilder(headers)
    .withCredential(credentialsOf(key).withProjectId(projectId))
    .withEndpoint(service.url)
    .withOptions(options(transformBody))
    .build();
}

export function credentialsOf(key: AccessKey): BasicCredentials {
  return new BasicCredentials().withAk(key.id).withSk(key.secret);
}

/** The options of every client. Without a name for its user agent the SDK writes one into the home folder. */
export function options(transformBody?: () => string): UserOptions {
  const all = new UserOptions();
  all.customUserAgent = 'contract';
  if (transformBody) all.axiosRequestConfig = { transformRequest: transformBody };
  return all;
}
