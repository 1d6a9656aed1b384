import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { IdentityService, Project, User } from '../../../domain/access/identity-service.ts';
import {
  changeProblems,
  manageProblems,
  namedProblems,
  Nothing,
  problems,
  tooLarge,
} from '../kit/common-schemas.ts';
import * as schemas from './schemas.ts';

const tags = ['Users and rights'];
const read = { action: 'iam:read' } as const;
const write = { action: 'iam:write' } as const;

/** Users, groups, projects and keys: an API of our own. */
export function iamRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(projectRoutes(identity));
    await app.register(userRoutes(identity));
    await app.register(userChanges(identity));
    await app.register(groupRoutes(identity));
    await app.register(accessKeyRoutes(identity));
    await app.register(accessKeyChanges(identity));
  };
}

/** What every route of this file says of itself. */
function described(operationId: string, summary: string) {
  return { operationId, summary, tags };
}

function projectRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/iam/v1/projects',
      {
        schema: {
          ...described('ListIamProjects', 'All projects'),
          response: { 200: schemas.ProjectsReply, ...problems },
        },
        config: read,
      },
      async () => ({ projects: (await identity.listProjects()).map(toProject) }),
    );
    app.post(
      '/iam/v1/projects',
      {
        schema: {
          ...described('CreateIamProject', 'Create a project'),
          body: schemas.CreateProjectBody,
          response: { 200: schemas.ProjectReply, ...changeProblems, 413: tooLarge },
        },
        config: write,
      },
      async (request) => {
        const { name, id } = request.body;
        const project = await identity.createProject({ name, id });
        request.subject = `${project.id}: ${name}`;
        return toProject(project);
      },
    );
    app.post(
      '/iam/v1/projects/:name',
      {
        schema: {
          ...described('UpdateIamProject', 'Change a project’s name or quotas'),
          params: schemas.Named,
          body: schemas.UpdateProjectBody,
          response: {
            200: schemas.ProjectReply,
            ...manageProblems,
            413: tooLarge,
          },
        },
        config: write,
      },
      async (request) => {
        const { params, body } = request;
        const { name, tasks_max, event_keys_max } = body;
        request.subject = `${params.name}: ${JSON.stringify({ name, tasks_max, event_keys_max })}`;
        const quota = (value: number | undefined) => (value === -1 ? null : value);
        const change = {
          name: body.name,
          tasksMax: quota(body.tasks_max),
          eventKeysMax: quota(body.event_keys_max),
        };
        return toProject(await identity.updateProject(params.name, change));
      },
    );
  };
}

function userRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/iam/v1/users',
      {
        schema: {
          ...described('ListIamUsers', 'All users'),
          response: { 200: schemas.UsersReply, ...problems },
        },
        config: read,
      },
      async () => ({ users: (await identity.listUsers()).map(toUser) }),
    );
    app.post(
      '/iam/v1/users',
      {
        schema: {
          ...described('CreateIamUser', 'Create a user'),
          body: schemas.CreateUserBody,
          response: { 200: schemas.UserReply, ...changeProblems, 413: tooLarge },
        },
        config: write,
      },
      async (request) => {
        const { name, password } = request.body;
        request.subject = name;
        return toUser(await identity.createUser({ name, password }));
      },
    );
  };
}

function userChanges(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/iam/v1/users/:name',
      {
        schema: {
          ...described(
            'UpdateIamUser',
            'Change a user’s password or right to enter; ends its tokens',
          ),
          params: schemas.Named,
          body: schemas.UpdateUserBody,
          response: { 200: schemas.UserReply, ...namedProblems, 413: tooLarge },
        },
        config: write,
      },
      async (request) => {
        const { params, body } = request;
        const { enabled, password } = body;
        const changes = [enabledOrNot(enabled), password === undefined ? undefined : 'password'];
        request.subject = `${params.name}: ${changes.filter((change) => change !== undefined).join(', ')}`;
        return toUser(await identity.updateUser(params.name, { enabled, password }));
      },
    );
    app.delete(
      '/iam/v1/users/:name',
      {
        schema: {
          ...described('DeleteIamUser', 'Delete a user with its keys, tokens and grants'),
          params: schemas.Named,
          response: { 200: Nothing, ...namedProblems },
        },
        config: write,
      },
      async ({ params }, reply) => {
        await identity.deleteUser(params.name);
        return reply.send();
      },
    );
  };
}

function groupRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/iam/v1/groups',
      {
        schema: {
          ...described('ListIamGroups', 'All groups'),
          response: { 200: schemas.GroupsReply, ...problems },
        },
        config: read,
      },
      async () => {
        const groups = await identity.listGroups();
        return { groups: groups.map((group) => ({ ...group, members: [...group.members] })) };
      },
    );
    app.post(
      '/iam/v1/groups',
      {
        schema: {
          ...described('CreateIamGroup', 'Create a group'),
          body: schemas.CreateGroupBody,
          response: { 200: schemas.GroupReply, ...changeProblems, 413: tooLarge },
        },
        config: write,
      },
      async (request) => {
        const { name } = request.body;
        request.subject = name;
        return { ...(await identity.createGroup(name)), members: [] };
      },
    );
    app.delete(
      '/iam/v1/groups/:name',
      {
        schema: {
          ...described('DeleteIamGroup', 'Delete a group with its grants'),
          params: schemas.Named,
          response: { 200: Nothing, ...namedProblems },
        },
        config: write,
      },
      async ({ params }, reply) => {
        await identity.deleteGroup(params.name);
        return reply.send();
      },
    );
    await app.register(memberRoutes(identity));
  };
}

function memberRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.put(
      '/iam/v1/groups/:name/members/:user',
      {
        schema: {
          ...described('AddIamMember', 'Add a user to a group'),
          params: schemas.Member,
          response: { 200: Nothing, ...namedProblems },
        },
        config: write,
      },
      async ({ params }, reply) => {
        await identity.addMember(params.name, params.user);
        return reply.send();
      },
    );
    app.delete(
      '/iam/v1/groups/:name/members/:user',
      {
        schema: {
          ...described('RemoveIamMember', 'Remove a user from a group'),
          params: schemas.Member,
          response: { 200: Nothing, ...namedProblems },
        },
        config: write,
      },
      async ({ params }, reply) => {
        await identity.removeMember(params.name, params.user);
        return reply.send();
      },
    );
  };
}

function accessKeyRoutes(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/iam/v1/access-keys',
      {
        schema: {
          ...described('ListIamAccessKeys', 'All access keys, without their secrets'),
          response: { 200: schemas.AccessKeysReply, ...problems },
        },
        config: read,
      },
      async () => ({ access_keys: [...(await identity.listAccessKeys())] }),
    );
    app.post(
      '/iam/v1/access-keys',
      {
        schema: {
          ...described('CreateIamAccessKey', 'Create an access key; its secret is shown only once'),
          body: schemas.CreateAccessKeyBody,
          response: { 200: schemas.CreateAccessKeyReply, ...namedProblems, 413: tooLarge },
        },
        config: write,
      },
      async (request, reply) => {
        const { user } = request.body;
        const { id, secret } = await identity.createAccessKey(user);
        request.subject = `${id} of ${user}`;
        void reply.header('cache-control', 'no-store');
        return { id, secret: secret.reveal() };
      },
    );
  };
}

function accessKeyChanges(identity: IdentityService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/iam/v1/access-keys/:id',
      {
        schema: {
          ...described('UpdateIamAccessKey', 'Enable or disable an access key'),
          params: schemas.Identified,
          body: schemas.UpdateAccessKeyBody,
          response: { 200: Nothing, ...namedProblems, 413: tooLarge },
        },
        config: write,
      },
      async (request, reply) => {
        const { params, body } = request;
        request.subject = `${params.id}: ${enabledOrNot(body.enabled) ?? ''}`;
        await identity.enableAccessKey(params.id, body.enabled);
        return reply.send();
      },
    );
    app.delete(
      '/iam/v1/access-keys/:id',
      {
        schema: {
          ...described('DeleteIamAccessKey', 'Delete an access key'),
          params: schemas.Identified,
          response: { 200: Nothing, ...namedProblems },
        },
        config: write,
      },
      async ({ params }, reply) => {
        await identity.deleteAccessKey(params.id);
        return reply.send();
      },
    );
  };
}

function enabledOrNot(enabled: boolean | undefined): string | undefined {
  if (enabled === undefined) return undefined;
  return enabled ? 'enabled' : 'disabled';
}

function toProject({ id, name, tasksMax, eventKeysMax }: Project) {
  return {
    id,
    name: name ?? null,
    tasks_max: tasksMax ?? null,
    event_keys_max: eventKeysMax ?? null,
  };
}

function toUser({ id, name, enabled, hasPassword, groups }: User) {
  return { id, name, enabled, has_password: hasPassword, groups: [...groups] };
}
