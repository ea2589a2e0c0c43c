/* SPDX-License-Identifier: MIT */
/* access.c - rules first; then whoever the rules name. */
#include "server/core/access.h"

#include <string.h>

#include "proto/guard.h"
#include "server/core/channel.h"
#include "server/core/grants.h"
#include "server/core/groups.h"
#include "server/core/news.h"
#include "server/core/scope.h"

static const enum gw_ask kinds[GW_NUM_ACTIONS] = {
    [GW_ACTION_SUBSCRIBE] = GW_ASK_SUBSCRIBE,
    [GW_ACTION_PUBLISH] = GW_ASK_PUBLISH,
    [GW_ACTION_PRESENCE] = GW_ASK_PRESENCE,
    [GW_ACTION_HISTORY] = GW_ASK_HISTORY,
    [GW_ACTION_CHANNEL] = GW_ASK_CHANNEL,
};

const gw_namespace *gws_target_space(const gw_session *s, const gw_target *t) {
  return t->channel != NULL ? t->channel->ns
                            : gw_settings_namespace(s->hub->settings, t->name);
}

/** What a role has to permit. */
static const enum gw_permission permissions[GW_NUM_ACTIONS] = {
    [GW_ACTION_SUBSCRIBE] = GW_MAY_READ,
    [GW_ACTION_PUBLISH] = GW_MAY_PUBLISH,
    [GW_ACTION_PRESENCE] = GW_MAY_PRESENCE,
    [GW_ACTION_HISTORY] = GW_MAY_HISTORY,
    [GW_ACTION_CHANNEL] = GW_MAY_MANAGE,
};

/** Whether the user's role in the channel's group opens a way. */
static bool is_open_to_role(const gw_session *s, const gw_namespace *ns,
                            gw_view channel, enum gw_action action) {
  const gw_rule *rule = &ns->allow[action];
  char space[GW_MAX_CHANNEL_BYTES + 1];
  if ((rule->who & (GW_WHO_MEMBER | GW_WHO_ROLE)) == 0 || !s->is_known)
    return false;
  gw_view group = gws_groups_of_channel(ns, channel, space);
  gw_view user = gws_session_user(s);
  if (!GW_GUARD(MEMBERS_ONLY)) return true;
  return ((rule->who & GW_WHO_MEMBER) != 0 &&
          gws_groups_may(s->hub, group, user, permissions[action])) ||
         ((rule->who & GW_WHO_ROLE) != 0 &&
          gws_groups_has_role(s->hub, group, user, &rule->roles));
}

/** Whether one of the other ways that need no question is open. */
static bool is_open(const gw_session *s, const gw_namespace *ns,
                    enum gw_action action, const gw_target *t) {
  uint32_t who = ns->allow[action].who;
  if ((who & GW_WHO_ANYONE) != 0) return true;
  if ((who & GW_WHO_USER) != 0 && s->is_known) return true;
  if (action == GW_ACTION_SUBSCRIBE || t->sub == NULL) return false;
  return (who & GW_WHO_SUBSCRIBER) != 0 ||
         ((who & GW_WHO_TOKEN) != 0 && t->sub->by_token);
}

bool gws_access_is_open(const gw_session *s, const gw_namespace *ns,
                        enum gw_action action, const gw_target *t) {
  return is_open(s, ns, action, t) || is_open_to_role(s, ns, t->name, action);
}

/** Whether a token for a channel means anything in a namespace. */
static bool takes_tokens(const gw_namespace *ns) {
  for (int i = 0; i < GW_NUM_ACTIONS; i++) {
    if ((ns->allow[i].who & GW_WHO_TOKEN) != 0) return true;
  }
  return false;
}

/** The ways that there are to ask about. A token that is given is looked at also
 * where it is not needed, as later wishes may rest on it. */
static uint32_t ways_left(const gw_namespace *ns, const gws_wish *wish) {
  uint32_t left = ns->allow[wish->action].who & GW_WHO_HOOK;
  if (wish->token.len != 0 && takes_tokens(ns)) left |= GW_WHO_TOKEN;
  return left;
}

#define RULE(name) "the channel's rule " name " does not let this client"

/** By action. */
static const char *const refusals[] = {
    [GW_ACTION_SUBSCRIBE] = RULE("allow.subscribe"),
    [GW_ACTION_PUBLISH] = RULE("allow.publish"),
    [GW_ACTION_PRESENCE] = RULE("allow.presence"),
    [GW_ACTION_HISTORY] = RULE("allow.history"),
    [GW_ACTION_CHANNEL] = RULE("allow.channel"),
};

#undef RULE

/** Whoever can do something about it is told by which rule: a token, or a line
 * of the configuration. */
static enum gws_answer refuse(const gws_wish *wish, const gw_rule *rule,
                              gw_verdict *v) {
  bool wants_token =
      wish->action == GW_ACTION_SUBSCRIBE && (rule->who & GW_WHO_TOKEN) != 0;
  *v = wants_token
           ? (gw_verdict){.code = GW_CODE_TOKEN_INVALID,
                          .message =
                              gw_view_of("a token for this channel is needed")}
           : (gw_verdict){.code = GW_CODE_PERMISSION_DENIED,
                          .message = gw_view_of(refusals[wish->action])};
  return GWS_ANSWER_NO;
}

/** The server's own channels are there for those whom a namespace of theirs
 * lets, and nobody but the server publishes to them; those that hold state are
 * for whom it belongs to. */
static bool is_closed(const gw_session *s, const gw_namespace *ns,
                      const gws_wish *wish) {
  gw_view name = wish->target->name;
  bool is_change = wish->action == GW_ACTION_PUBLISH;
  gws_scope scope;
  if (*ns->name == '\0' || wish->action == GW_ACTION_CHANNEL) return true;
  if (strcmp(ns->name, GWS_STATE_SPACE) != 0) return is_change;
  return !gws_scope_of(name, &scope) || !gws_scope_may(s, &scope, is_change);
}

static enum gws_answer refuse_own(const gws_wish *wish, gw_verdict *v) {
  gws_scope scope;
  bool is_state = gws_scope_of(wish->target->name, &scope);
  *v = (gw_verdict){
      .code = GW_CODE_PERMISSION_DENIED,
      .message = gw_view_of(is_state ? "this state belongs to somebody else"
                                     : "the channel is the server's own")};
  return GWS_ANSWER_NO;
}

enum gws_answer gws_access(gw_session *s, const gw_frame *f,
                           const gws_wish *wish, gw_verdict *v) {
  const gw_namespace *ns = gws_target_space(s, wish->target);
  const gw_rule *rule = &ns->allow[wish->action];
  if (gws_name_is_own(wish->target->name) && is_closed(s, ns, wish))
    return refuse_own(wish, v);
  gw_rule left; /* large, and empty but for this */
  left.who = ways_left(ns, wish);
  left.roles.len = 0;
  bool is_granted = gws_access_is_open(s, ns, wish->action, wish->target);
  *v = (gw_verdict){.code = GW_CODE_OK};
  if (is_granted && (left.who & GW_WHO_TOKEN) == 0) return GWS_ANSWER_YES;
  if (left.who == 0) return refuse(wish, rule, v);
  gw_question q = {.kind = kinds[wish->action],
                   .token = wish->token,
                   .ns = ns,
                   .channel = wish->target->name,
                   .rule = &left,
                   .publish = wish->publish,
                   .meta = wish->meta};
  return gws_ask(s, f, &q, v);
}

/** The same beside a subscription, by what let that in. */
static bool is_open_beside(const gw_session *s, const gw_namespace *ns,
                           enum gw_action action, const gw_verdict *v) {
  uint32_t who = ns->allow[action].who;
  bool is_asked = (ns->allow[GW_ACTION_SUBSCRIBE].who & GW_WHO_HOOK) != 0;
  return (who & (GW_WHO_ANYONE | GW_WHO_SUBSCRIBER)) != 0 ||
         ((who & GW_WHO_USER) != 0 && s->is_known) ||
         ((who & GW_WHO_TOKEN) != 0 && v->by_token) ||
         ((who & GW_WHO_HOOK) != 0 && is_asked);
}

bool gws_access_channel(const gw_session *s, const gw_namespace *ns,
                        const gw_target *t) {
  uint32_t who = ns->allow[GW_ACTION_CHANNEL].who;
  bool is_asked = (ns->allow[GW_ACTION_PUBLISH].who & GW_WHO_HOOK) != 0;
  return (who & GW_WHO_ANYONE) != 0 ||
         ((who & GW_WHO_USER) != 0 && s->is_known) ||
         ((who & GW_WHO_SUBSCRIBER) != 0 && t->sub != NULL) ||
         ((who & GW_WHO_TOKEN) != 0 && t->sub != NULL && t->sub->by_token) ||
         ((who & GW_WHO_HOOK) != 0 && is_asked) ||
         is_open_to_role(s, ns, t->name, GW_ACTION_CHANNEL);
}

bool gws_access_also(const gw_session *s, const gw_target *t,
                     enum gw_action action, const gw_verdict *v) {
  const gw_namespace *ns = gws_target_space(s, t);
  return is_open_beside(s, ns, action, v) ||
         is_open_to_role(s, ns, t->name, action);
}

/* ---- rights that come and go -------------------------------------------------- */

#define BIT(action) (uint8_t)(1u << (action))

void gws_access_note(gw_sub *sub, bool wants_presence, const gw_verdict *v) {
  const gw_session *s = sub->session;
  const gw_channel *ch = sub->channel;
  sub->rests_on_group = 0;
  if (ch->ns->group[0] == '\0') return;
  gw_view name = gws_channel_name(ch);
  gw_target t = {.name = name};
  if (!gws_is_granted(s, ch->hash) && !v->by_token &&
      !is_open(s, ch->ns, GW_ACTION_SUBSCRIBE, &t) &&
      is_open_to_role(s, ch->ns, name, GW_ACTION_SUBSCRIBE))
    sub->rests_on_group |= BIT(GW_ACTION_SUBSCRIBE);
  if (wants_presence && !is_open_beside(s, ch->ns, GW_ACTION_PRESENCE, v))
    sub->rests_on_group |= BIT(GW_ACTION_PRESENCE);
}

bool gws_access_still(const gw_sub *sub) {
  const gw_channel *ch = sub->channel;
  for (unsigned i = 0; i < GW_NUM_ACTIONS; i++) {
    if ((sub->rests_on_group & BIT(i)) != 0 &&
        !is_open_to_role(sub->session, ch->ns, gws_channel_name(ch),
                         (enum gw_action)i))
      return false;
  }
  return true;
}

void gws_access_refuse(gw_session *s, uint32_t request, const gw_verdict *v) {
  gw_stat_add(&s->hub->stats.refused_total, 1);
  if (request != 0)
    gws_reply_refusal(s, request, v->code, v->message, v->retry_after_ms);
}
