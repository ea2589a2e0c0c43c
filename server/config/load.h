/* SPDX-License-Identifier: MIT */
/* load.h - one run of loading a configuration: the mistakes so far, and what
 * waits for its end. */
#ifndef GODWIT_SERVER_CONFIG_LOAD_H
#define GODWIT_SERVER_CONFIG_LOAD_H

#include "server/config/keys.h"

typedef struct gw__yaml gw__yaml;

typedef struct gw__load {
  gw_config *config;
  FILE *errors;
  size_t num_errors;
  bool is_out_of_memory;
  bool leaves_files; /**< those that it names are not read */
  /** The documents with the lists that count, or NULL; by gw__list_number. They
   * are read last, as namespaces begin with what holds for all channels. */
  gw__yaml *lists[GW__NUM_LISTS + 1];
} gw__load;

/** The defaults, before what depends on the machine is filled in: 0 workers, no
 * name. Returns 0, GW_ERR_NOMEM. */
GW_MUST_USE int gw__config_set_defaults(gw_config *c);

/** Copy a namespace with texts of its own, but for its name, which is NULL then,
 * and its schema. Returns 0, GW_ERR_NOMEM; to be freed in any case. */
GW_MUST_USE int gw__namespace_copy(gw_namespace *to, const gw_namespace *from);
void gw__namespace_deinit(gw_namespace *n);

/** See that there is a namespace of shared state among num, and room for one more
 * (state.c). Returns how many there are. */
size_t gw__config_add_state(gw__load *l, size_t num);

/** Whether the namespaces that machines are for are there (machines.c). */
void gw__machines_check(gw__load *l);

/** Read the schemas that namespaces name (schemas.c). */
void gw__config_load_schemas(gw__load *l);

/** Note where a text is from, in place of an earlier one of the same field. */
void gw__place_put(gw__load *l, const void *field, const char *where);
void gw__places_deinit(gw_config *c);

/** Tell a mistake; where is FILE:LINE, a variable or a flag. */
void gw__load_fail(gw__load *l, const char *where, const char *format, ...);

/** Check what no key can say alone. */
void gw__config_check(gw__load *l);

/** Fields that a path is looked up in: one or two tables. */
typedef struct gw__target {
  const gw__key *keys;
  void *at;
} gw__target;
#define GW__TARGETS_MAX 2u
typedef struct gw__targets {
  gw__target of[GW__TARGETS_MAX]; /**< unused ones have no keys */
  bool has_lists;                 /**< beside keys */
  bool has_name;                  /**< beside keys, as a namespace has */
} gw__targets;

/** The fields of the server as a whole. */
gw__targets gw__targets_of(gw_config *c);
/** The fields of one item of a list. */
gw__targets gw__targets_of_item(const gw__list *list, void *item);
/** The fields of one namespace. */
gw__targets gw__targets_of_namespace(gw_namespace *n);

/** The key of a path, and the struct that holds it; NULL: unknown. */
const gw__key *gw__targets_find(const gw__targets *t, const char *path,
                                void **at);
/** Whether keys begin with "path.". */
bool gw__targets_has_section(const gw__targets *t, const char *path);
/** The known key or section that is most like a path. Never NULL. */
#define GW__PATH_MAX 96u
const char *gw__targets_nearest(const gw__targets *t, const char *path,
                                char space[GW__PATH_MAX]);

/** Set a field from text; false after a mistake, which is told. */
bool gw__load_set(gw__load *l, const gw__key *key, void *at, const char *text,
                  const char *where);

/** Check what no key can say alone of listening, proxies and routes. */
void gw__config_check_edge(gw__load *l);

/* ---- YAML ------------------------------------------------------------------
 */

/** Apply a file; "-" is the standard input. */
void gw__yaml_load(gw__load *l, const char *path);
/** Take a list from a variable or a flag. */
void gw__yaml_load_list(gw__load *l, const char *name, const char *text,
                        const char *where);
/** The same of machines, which are read at once. */
void gw__yaml_load_machines(gw__load *l, const char *text, const char *where);
/** Read the lists that were found into the configuration, and free them. */
void gw__yaml_apply_lists(gw__load *l);

/** Lists: those of gw__lists, then the namespaces. Number and name; a name that is
 * none has a number above GW__NUM_LISTS. */
size_t gw__list_number(const char *name);
const char *gw__list_name(size_t number);

#endif
