// SPDX-License-Identifier: MIT
// groups.ts - the module `godwit/groups`: members with roles, by remote calls.

import type { Received } from './types.js';

/** A client of either build. */
export interface Caller {
  /** Calls a method of the server. */
  call(method: string, data?: object): Promise<Received>;
}

/** What a role permits: one of the server's, or the application's own. */
export type Permission =
  | 'read' | 'publish' | 'presence' | 'history' | 'members' | 'manage' | 'send'
  | `app:${string}`;

/** A role of a group. */
export interface Role {
  /** Its name. */
  readonly role: string;
  /** What it permits. */
  readonly permissions: readonly Permission[];
}

/** A member of a group. */
export interface GroupMember {
  /** User id. */
  readonly user: string;
  /** Name of its role. */
  readonly role: string;
}

/** A group, with a page of its members. */
export interface Group {
  /** Its name. */
  readonly group: string;
  /** Counts changes. */
  readonly version: number;
  /** All of them. */
  readonly roles: readonly Role[];
  /** How many there are. */
  readonly numMembers: number;
  /** Of the page that was asked for. */
  readonly members: readonly GroupMember[];
}

/** A group without its members. */
export interface GroupInfo {
  /** Its name. */
  readonly group: string;
  /** Counts changes. */
  readonly version: number;
  /** How many there are. */
  readonly members: number;
  /** Of the user. */
  readonly role: string;
}

/** What a group begins with. */
export interface GroupOptions {
  /** Absent: `owner`, who may everything, and `member`, who may all but manage. */
  readonly roles?: readonly Role[];
  /** Besides the caller, who gets the first role that may manage. */
  readonly members?: readonly GroupMember[];
}

/** Which groups are listed. */
export interface GroupsQuery {
  /** Only groups that this user is in: a client's own. */
  readonly user: string;
  /** Only names that begin so. */
  readonly prefix?: string;
  /** At most so many from each worker of the server; 1,000. */
  readonly limit?: number;
  /** Only names after this one, in the order of bytes. */
  readonly after?: string;
}

/** Which members come with a group. */
export interface MembersQuery {
  /** At most so many; 100. */
  readonly limit?: number;
  /** Only members after this one, in the order of bytes. */
  readonly after?: string;
}

const listOf = (users: string | readonly string[]) =>
  typeof users === 'string' ? [users] : users;

/** Groups as a client may see and change them: what its roles there permit. All
 * of it fails with a GodwitError as `Client.call` does. */
export class Groups {
  readonly #client: Caller;

  /** client: of either build; calls go through it. */
  constructor(client: Caller) {
    this.#client = client;
  }

  #call(method: string, request: object): Promise<Received> {
    return this.#client.call(`godwit.group_${method}`, request);
  }

  /** Makes a group. */
  async create(group: string, options: GroupOptions = {}): Promise<void> {
    await this.#call('create', { group, ...options });
  }

  /** Deletes a group; what rests on it ends. */
  async delete(group: string): Promise<void> {
    await this.#call('delete', { group });
  }

  /** Adds users, or gives them another role. Returns how many members there
   * are. */
  async add(
    group: string, users: string | readonly string[], role: string,
  ): Promise<number> {
    const request = { group, users: listOf(users), role };
    return (await this.#call('add', request)).members ?? 0;
  }

  /** Returns how many members are left. Anybody may remove themselves. */
  async remove(
    group: string, users: string | readonly string[],
  ): Promise<number> {
    const request = { group, users: listOf(users) };
    return (await this.#call('remove', request)).members ?? 0;
  }

  /** Makes a role, or changes what it permits, for all who have it. */
  async setRole(
    group: string, role: string, permissions: readonly Permission[],
  ): Promise<void> {
    await this.#call('set_role', { group, role, permissions });
  }

  /** Removes a role that nobody has. */
  async removeRole(group: string, role: string): Promise<void> {
    await this.#call('set_role', { group, role, remove: true });
  }

  /** A group, with a page of its members. */
  async get(group: string, query: MembersQuery = {}): Promise<Group> {
    const reply = await this.#call('get', { group, ...query });
    return {
      group,
      version: Number(reply.version ?? 0),
      roles: (reply.roles ?? []).map(
        ({ role, permissions = [] }: Role) => ({ role, permissions })),
      numMembers: reply.numMembers ?? 0,
      members: reply.members ?? [],
    };
  }

  /** The role of a user; null for who is not a member. */
  async roleOf(group: string, user: string): Promise<string | null> {
    return (await this.#call('get', { group, user })).members?.[0]?.role ?? null;
  }

  /** In the order of names. */
  async list(query: GroupsQuery): Promise<GroupInfo[]> {
    const reply = await this.#client.call('godwit.groups', query);
    return (reply.groups ?? []).map((info: Received) => ({
      group: info.group,
      version: Number(info.version ?? 0),
      members: info.members ?? 0,
      role: info.role ?? '',
    }));
  }
}
