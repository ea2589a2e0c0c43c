/* SPDX-License-Identifier: MIT */
/* access.h - who may do what in a channel: the rules of its namespace, and the
 * question where these leave it to somebody else. */
#ifndef GODWIT_SERVER_ACCESS_H
#define GODWIT_SERVER_ACCESS_H

#include "server/core/hold.h"
#include "server/core/session.h"

/** What is wanted. */
typedef struct gws_wish {
  enum gw_action action;
  const gw_target *target;
  gw_view token;             /**< of Subscribe */
  const gw_publish *publish; /**< of Publish */
  gw_view meta;              /**< of Subscribe */
} gws_wish;

/** By the rules, or by asking. For use of frame handlers: see gws_ask. */
enum gws_answer gws_access(gw_session *s, const gw_frame *f,
                           const gws_wish *wish, gw_verdict *v);

/** Whether one of the ways that need no question is open. */
bool gws_access_is_open(const gw_session *s, const gw_namespace *ns,
                        enum gw_action action, const gw_target *t);

/** What a new subscriber wants beside its subscription, by the rules and by what
 * let it in. */
bool gws_access_also(const gw_session *s, const gw_target *t,
                     enum gw_action action, const gw_verdict *v);

/** Whether a publisher may say what is known about the channel, by the rules and
 * by what lets it publish. */
bool gws_access_channel(const gw_session *s, const gw_namespace *ns,
                        const gw_target *t);
/** Note which of a subscription's rights rest on a role in a group alone. */
void gws_access_note(gw_sub *sub, bool wants_presence, const gw_verdict *v);
/** Whether the role still gives them. */
bool gws_access_still(const gw_sub *sub);

/** Tell the peer that it may not. */
void gws_access_refuse(gw_session *s, uint32_t request, const gw_verdict *v);

/** The namespace of a target. */
const gw_namespace *gws_target_space(const gw_session *s, const gw_target *t);

#endif
