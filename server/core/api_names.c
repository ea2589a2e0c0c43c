/* SPDX-License-Identifier: MIT */
/* api_names.c - what a request is about, by the types of its fields. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/core/api_method.h"

/** Room for several names together; what is over it is cut. */
#define NAMES_MAX 256u

typedef struct telling {
  gw_on_api_name on_name;
  void *arg;
} telling;

/** What would open something to whoever reads the log. */
static bool is_secret(const ProtobufCFieldDescriptor *f) {
  return strcmp(f->name, "token") == 0;
}

static void tell_text(const telling *t, const ProtobufCFieldDescriptor *f,
                      const char *text) {
  if (text != NULL && *text != '\0')
    t->on_name(t->arg, f->name, gw_view_of(text));
}

static void tell_id(const telling *t, const ProtobufCFieldDescriptor *f,
                    uint64_t id) {
  char text[24];
  (void)snprintf(text, sizeof text, "%" PRIu64, id);
  if (id != 0) tell_text(t, f, text);
}

static void tell_texts(const telling *t, const ProtobufCFieldDescriptor *f,
                       char *const *texts, size_t num) {
  char all[NAMES_MAX] = "";
  size_t len = 0;
  for (size_t i = 0; i < num && len < sizeof all - 1; i++)
    len += (size_t)snprintf(all + len, sizeof all - len, "%s%s",
                            i != 0 ? "," : "", texts[i]);
  tell_text(t, f, all);
}

static void tell_field(const telling *t, const ProtobufCMessage *msg,
                       const ProtobufCFieldDescriptor *f) {
  const uint8_t *base = (const uint8_t *)msg;
  const void *at = base + f->offset;
  bool is_list = f->label == PROTOBUF_C_LABEL_REPEATED;
  if (is_secret(f)) return;
  if (f->type == PROTOBUF_C_TYPE_STRING && is_list)
    tell_texts(t, f, *(char *const *const *)at,
               *(const size_t *)(const void *)(base + f->quantifier_offset));
  else if (f->type == PROTOBUF_C_TYPE_STRING)
    tell_text(t, f, *(const char *const *)at);
  else if (f->type == PROTOBUF_C_TYPE_FIXED64 && !is_list)
    tell_id(t, f, *(const uint64_t *)at);
}

void gw_api_each_name(const gw_api_method *m, gw_view request,
                      gw_on_api_name on_name, void *arg) {
  const telling t = {on_name, arg};
  ProtobufCMessage *msg =
      protobuf_c_message_unpack(m->request, NULL, request.len, request.data);
  if (msg == NULL) return;
  for (unsigned i = 0; i < m->request->n_fields; i++)
    tell_field(&t, msg, &m->request->fields[i]);
  protobuf_c_message_free_unpacked(msg, NULL);
}
