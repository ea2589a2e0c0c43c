/* SPDX-License-Identifier: MIT */
/* names.h - patterns of channel names, and which of them a name matches. */
#ifndef GODWIT_SERVER_NAMES_H
#define GODWIT_SERVER_NAMES_H

#include "server/core/index.h"
#include "server/core/settings.h"

/*
 * A name has parts, divided by the separator of its namespace; what stands in
 * front of the namespace's colon is none. In a pattern a part may be
 *
 *    *   any one part
 *    >   one or more parts, at the end only
 *
 *    stock.*        stock.a            not stock, not stock.a.b
 *    log.>          log.a, log.a.b     not log
 *    *.up.>         eth0.up.1
 *
 * The patterns of a namespace are a tree of parts. A name goes down it along the
 * branches of its own parts, of * and of >, so that what it costs depends on the
 * parts and on what matches, and not on how many patterns there are.
 */

/** Who wants what matches a pattern. */
typedef struct gw_name_target {
  uint32_t worker;
  uint64_t handle; /**< of the pattern over there */
} gw_name_target;

typedef struct gw_hub gw_hub;
typedef struct gw_name_node gw_name_node;

/** All patterns that a node knows of, on one worker. All zero is empty. */
typedef struct gw_names {
  /* read-only */
  uint32_t num; /**< targets */
  /* private */
  gw_index nodes; /* by their place in the tree */
  uint64_t last_id;
} gw_names;

/** Whether a name is a pattern: its namespace has them, and a part is one. */
bool gw_name_is_pattern(const gw_namespace *ns, gw_view name);
/** Whether a pattern is sound: no > but at the end, not too many parts. */
bool gw_name_is_good_pattern(const gw_namespace *ns, gw_view name);

/** 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_names_add(gw_hub *h, const gw_namespace *ns,
                              gw_view pattern, gw_name_target target);
/** Not being there is fine. */
void gws_names_remove(gw_hub *h, const gw_namespace *ns, gw_view pattern,
                      gw_name_target target);

/** Visit each target of each pattern that a name matches. Nothing may be added
 * or removed meanwhile. */
typedef void (*gws_name_visit)(void *user, const gw_name_target *target);
void gws_names_match(const gw_hub *h, const gw_namespace *ns, gw_view name,
                     gws_name_visit visit, void *user);

void gws_names_deinit(gw_hub *h);

#endif
