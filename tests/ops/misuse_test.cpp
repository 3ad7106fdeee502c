// Every operation with wrong shapes and dtypes: refused, with the operation and the shapes in the message.
// The rows are those of op_cases.h.

#include "op_cases.h"

namespace chainrule::test {
namespace {

struct MisuseOf {
  std::string operation;
  Misuse misuse;
};

std::ostream& operator<<(std::ostream& out, const MisuseOf& one) {
  return out << one.operation << " of " << one.misuse.name;
}

std::vector<MisuseOf> all_misuses() {
  std::vector<MisuseOf> all;
  for (const OpCase& row : op_cases())
    for (const Misuse& misuse : row.misuses) all.push_back({row.operation, misuse});
  return all;
}

class WrongShapes : public ::testing::TestWithParam<MisuseOf> {};

TEST_P(WrongShapes, are_refused_with_the_operation_and_the_shapes_in_the_message) {
  const auto& [operation, misuse] = GetParam();
  const std::string message = message_of<ShapeError>(misuse.call);
  EXPECT_TRUE(mentions(message, misuse.words));
  EXPECT_EQ(message.rfind(operation + ":", 0), 0U) << message;
}

std::string misuse_name(const ::testing::TestParamInfo<MisuseOf>& info) {
  return identifier(info.param.operation + " of " + info.param.misuse.name);
}

INSTANTIATE_TEST_SUITE_P(Table, WrongShapes, ::testing::ValuesIn(all_misuses()), misuse_name);

TEST(Comparisons, in_a_chain_are_refused) {
  const Tensor a = tensor({1.0, 2.0}), b = tensor({2.0, 2.0}), mask = a < b;
  EXPECT_TRUE(
      mentions(message_of<DTypeError>([&] { (void)(a < b < 3.0); }), {"bool", "(a < b) & (b < c)", "less"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (void)(0.0 <= a <= b); }), {"<=", "less_equal"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (void)(1 > mask); }), {"int64", "greater"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (void)(mask >= a); }), {"float64", "greater_equal"}));
  EXPECT_TRUE(equals(mask <= (b > a), {2}, {1, 1}));
  EXPECT_TRUE(equals(less(mask, 1), {2}, {0, 1}));
  EXPECT_TRUE(equals(mask == 0, {2}, {0, 1}));
}

}  // namespace
}  // namespace chainrule::test
