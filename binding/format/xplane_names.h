// Names that readers of XSpace parse: op:Type is an op of the framework, and some events mean something by
// name.
#pragma once

#include <string>
#include <string_view>

#include "../core/columns.h"

namespace opscope::xplane {

// The name of spans, marks and counters. Of category cpu_op and role op: "matmul:Matmul", else a PlainName().
std::string EventName(const NameEntry& name);
// The text with U+A789 for each colon that stands before a capital letter or another colon.
std::string PlainName(std::string_view text);
// What people are to read, "matmul" or "matmul [layer1]".
std::string DisplayName(const NameEntry& name);
// "Matmul" of "matmul".
std::string OpType(std::string_view text);
// What may be a part of the path of an op: letters, digits, _ . >; ASCII signs become _, the rest hex digits.
void AppendOpSegment(std::string_view text, std::string* out);
// The name of an attribute as that of a stat.
std::string AttributeStat(std::string_view key);

}  // namespace opscope::xplane
