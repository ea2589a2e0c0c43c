/* SPDX-License-Identifier: MIT */
/* groups.h - the groups of a node, as one worker knows them. */
#ifndef GODWIT_SERVER_GROUPS_H
#define GODWIT_SERVER_GROUPS_H

#include "server/core/group.h"
#include "server/core/hub_state.h"

typedef struct gw_mail gw_mail;

/*
 *   application, client ---> owner of the group (hash of its name)
 *                               |  another value, version + 1
 *                               +-- GROUP --> all workers: take the value over,
 *                                             end what rested on the one before
 *
 * Each worker answers from the value that it has, without asking anybody. The
 * mail carries the whole value, by reference, so that one which comes late or
 * twice does no harm.
 */

/** The value of a group; NULL: there is none. Good until the hub is left. */
const gw_group *gws_groups_find(const gw_hub *h, gw_view name);

/** Whether a user's role in a group permits something. */
bool gws_groups_may(const gw_hub *h, gw_view name, gw_view user,
                    enum gw_permission permission);
/** Whether it is one of these. */
bool gws_groups_has_role(const gw_hub *h, gw_view name, gw_view user,
                         const gw_words *roles);

/** The group that a channel belongs to, by the template of its namespace; empty:
 * none. space backs the result. */
gw_view gws_groups_of_channel(const gw_namespace *ns, gw_view channel,
                              char space[GW_MAX_CHANNEL_BYTES + 1]);

/**
 * At the owner: make a value the group's, on all workers. after NULL: the group
 * is deleted. Takes the reference, in any case.
 *   returns  GW_CODE_OK; INTERNAL: no memory, and all is as it was
 */
uint32_t gws_groups_set(gw_hub *h, gw_view name, gw_group *after);

/** Walk the groups that this worker owns. on_group returns false to stop. */
void gws_groups_each(const gw_hub *h,
                     bool (*on_group)(void *arg, gw_view name,
                                      const gw_group *g),
                     void *arg);

void gws_groups_on_mail(gw_hub *h, gw_mail *m);
/** Mail that there was no memory for is tried again. */
void gws_groups_on_timer(gw_hub *h);
void gws_groups_free(gw_hub *h);

#endif
