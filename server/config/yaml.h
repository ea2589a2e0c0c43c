/* SPDX-License-Identifier: MIT */
/* yaml.h - nodes of a YAML document, for those files that read its lists. */
#ifndef GODWIT_SERVER_CONFIG_YAML_H
#define GODWIT_SERVER_CONFIG_YAML_H

#include <yaml.h>

#include "server/config/load.h"

/** Room for a file's name and a line. */
#define GW__WHERE_MAX 512u

struct gw__yaml {
  yaml_document_t document;
  yaml_node_t *lists[GW__NUM_LISTS + 1]; /**< in the document; NULL */
  unsigned num_users;
  bool is_empty;
  bool has_lines;
  char name[GW__WHERE_MAX - 32];
};

/** FILE:LINE of a node, or the variable or flag that it is from. */
const char *gw__yaml_where(const gw__yaml *y, const yaml_node_t *node,
                           char where[GW__WHERE_MAX]);

/** Of a scalar. */
static inline const char *gw__yaml_text(const yaml_node_t *node) {
  return (const char *)node->data.scalar.value;
}

/** Nothing, ~ or null: the key keeps its default. */
bool gw__yaml_is_null(const yaml_node_t *node);

/** Read the list of machines in place of what there is (machines.c). */
void gw__machines_read(gw__load *l, gw__yaml *y, yaml_node_t *list);

#endif
