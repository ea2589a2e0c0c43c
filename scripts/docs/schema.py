# SPDX-License-Identifier: MIT
"""schema.py - reads messages, enums and methods of a schema, with their comments.

The input is a descriptor set that protoc made with --include_source_info.
"""

from google.protobuf import descriptor_pb2

from model import Item

# Tags of a FileDescriptorProto and of what is in it, as source paths name them.
MESSAGES, ENUMS, SERVICES = 4, 5, 6
FIELDS, NESTED, NESTED_ENUMS, VALUES, METHODS = 2, 3, 4, 2, 2

TYPES = descriptor_pb2.FieldDescriptorProto


def words(comment):
    return "\n".join(line.removeprefix(" ") for line in comment.split("\n")).strip()


class File:
    """One file of a set; base is the folder that the set's names are in."""

    def __init__(self, proto, base):
        self.proto = proto
        self.path = f"{base}/{proto.name}"
        self.at = {tuple(l.path): l for l in proto.source_code_info.location}

    def item(self, kind, name, path, code="", members=()):
        at = self.at.get(path)
        doc = words(at.leading_comments or at.trailing_comments) if at else ""
        where = f"{self.path}:{at.span[0] + 1}" if at else self.path
        return Item(kind, name, where, doc, code, list(members))

    def purpose(self):
        """The comment at the top, behind the license and the file's name."""
        comments = self.at[(12,)].leading_detached_comments if (
            (12,) in self.at) else []
        text = words(comments[0]) if comments else ""
        lines = [line for line in text.split("\n") if "SPDX-" not in line]
        return "\n".join(lines).partition(" - ")[2]

    def items(self):
        found = []
        for i, service in enumerate(self.proto.service):
            found.append(self.service(service, (SERVICES, i)))
        for i, message in enumerate(self.proto.message_type):
            found += self.message(message, (MESSAGES, i))
        for i, enum in enumerate(self.proto.enum_type):
            found.append(self.enum(enum, (ENUMS, i)))
        for item in found:
            self.take_words(item)
        # In the order of the file.
        return sorted(found, key=lambda item: int(item.where.split(":")[-1]))

    def take_words(self, item):
        """A message that is named as a method's request or reply is that."""
        for service in self.proto.service:
            for method in service.method:
                for what in ("Request", "Reply"):
                    if item.name == method.name + what and not item.doc:
                        item.doc = f"{what} of `{method.name}`."

    def service(self, service, path):
        methods = [
            self.item("method", m.name, path + (METHODS, i),
                      f"rpc {m.name}({short(m.input_type)}) "
                      f"returns ({short(m.output_type)})")
            for i, m in enumerate(service.method)]
        return self.item("service", service.name, path, members=methods)

    def message(self, message, path, outer=""):
        fields = [self.item("field", f.name, path + (FIELDS, i), field_code(f))
                  for i, f in enumerate(message.field)]
        name = outer + message.name
        found = [self.item("message", name, path, members=fields)]
        for i, inner in enumerate(message.nested_type):
            found += self.message(inner, path + (NESTED, i), name + ".")
        for i, enum in enumerate(message.enum_type):
            found.append(self.enum(enum, path + (NESTED_ENUMS, i), name + "."))
        return found

    def enum(self, enum, path, outer=""):
        values = [self.item("value", v.name, path + (VALUES, i),
                            f"{v.name} = {v.number}")
                  for i, v in enumerate(enum.value)]
        return self.item("enum", outer + enum.name, path, members=values)


def short(name):
    return name.rsplit(".", 1)[-1]


def field_code(field):
    kind = TYPES.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.type_name:
        kind = short(field.type_name)
    if field.label == TYPES.LABEL_REPEATED:
        kind = f"repeated {kind}"
    return f"{kind} {field.name} = {field.number}"


def read(descriptor_set, name, base="proto"):
    files = descriptor_pb2.FileDescriptorSet()
    with open(descriptor_set, "rb") as f:
        files.ParseFromString(f.read())
    return File(next(f for f in files.file if f.name == name), base)
