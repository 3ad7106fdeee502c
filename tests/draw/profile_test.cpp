// What a profile counts, and the trace that it writes: calls, bytes and times by operation and scope. Relies
// on support.h, and on nothing that has a screen.

#include "chainrule/profile.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "chainrule/chainrule.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

ProfileRow row_of(const Profile& profile, const std::string& operation, const std::string& scope) {
  for (const ProfileRow& row : profile.rows())
    if (row.operation == operation && row.scope == scope) return row;
  return {};
}

Tensor steps(const Tensor& x, const Tensor& w) {
  const Scope outer("encoder");
  Tensor y;
  {
    const Scope inner("layer 1");
    y = tanh(matmul(x, w));
    y = tanh(y);
  }
  return sum(y);
}

TEST(Profile, counts_calls_and_bytes_by_operation_and_scope) {
  const Tensor x = ones({4, 3}), w = variable(ones({3, 2}));
  (void)steps(x, w);
  const Profile profile;
  steps(x, w).backward();
  steps(x, w).backward();
  const ProfileRow tanhs = row_of(profile, "tanh", "encoder/layer 1");
  EXPECT_EQ(tanhs.forward.calls, 4);
  EXPECT_EQ(tanhs.backward.calls, 4);
  EXPECT_EQ(tanhs.forward.bytes, 4 * 4 * 2 * 8);
  EXPECT_EQ(tanhs.backward.bytes, 4 * 4 * 2 * 8);
  const ProfileRow products = row_of(profile, "matmul", "encoder/layer 1");
  EXPECT_EQ(products.forward.calls, 2);
  EXPECT_EQ(products.backward.bytes, 2 * 3 * 2 * 8);  // of w, as x needs none
  EXPECT_EQ(row_of(profile, "sum", "encoder").forward.calls, 2);
  EXPECT_EQ(profile.rows().size(), 3U);
}

TEST(Profile, gives_the_time_to_who_takes_it) {
  const Tensor large = variable(ones({200, 200})), small = variable(ones({2}));
  double in_all = 0;
  const Profile profile;
  for (int i = 0; i < 20; ++i) (sum(matmul(large, large)) + sum(exp(small))).backward();
  const std::vector<ProfileRow> rows = profile.rows();
  EXPECT_EQ(rows.front().operation, "matmul");
  EXPECT_GT(rows.front().backward.seconds, 0);
  for (const ProfileRow& row : rows) in_all += row.forward.seconds + row.backward.seconds;
  EXPECT_LE(in_all, profile.seconds());
  EXPECT_GT(in_all, 0.5 * profile.seconds());
}

TEST(Profile, counts_what_a_derivative_records_apart) {
  const Tensor x = variable({1.0, 2.0});
  const Profile profile;
  const Tensor g = gradients(sum(exp(x)), {x}, {.create_graph = true})[x];
  EXPECT_EQ(row_of(profile, "exp", "").backward.calls, 1);
  // g·exp(x), which is 0 where g is.
  EXPECT_GE(row_of(profile, "strong_product", "").forward.calls, 1);
  double in_all = 0;
  for (const ProfileRow& row : profile.rows()) in_all += row.forward.seconds + row.backward.seconds;
  EXPECT_LE(in_all, profile.seconds());
}

TEST(Profile, sees_its_thread_while_it_lives_and_nothing_else) {
  const Tensor x = variable(2.0);
  const Profile outer;
  {
    const Profile inner;
    (void)exp(x);
    std::thread([&] { (void)sin(x); }).join();
    EXPECT_EQ(inner.rows().size(), 1U);
  }
  (void)cos(x);
  EXPECT_EQ(outer.rows().size(), 2U);
  EXPECT_EQ(row_of(outer, "exp", "").forward.calls, 1);
}

TEST(Profile, goes_on_after_a_derivative_that_fails) {
  const Tensor x = variable(2.0);
  const auto fails = custom_gradient(
      "fails", [](const Tensor& at) { return at * 2; },
      [](const Tensor&, const Tensor&, const Tensor&) -> Tensor { throw std::runtime_error("no"); });
  const Profile profile;
  EXPECT_THROW(exp(fails(x)).backward(), std::runtime_error);
  exp(x).backward();
  EXPECT_EQ(row_of(profile, "exp", "").backward.calls, 2);
  EXPECT_EQ(row_of(profile, "fails", "").backward.calls, 0);
}

TEST(Profile, is_a_table) {
  const Tensor x = ones({4, 3}), w = variable(ones({3, 2}));
  const Profile profile;
  steps(x, w).backward();
  std::ostringstream table;
  table << profile;
  EXPECT_TRUE(mentions(table.str(), {"operation", "scope", "forward", "backward", "tanh", "encoder/layer 1",
                                     "128 B", "in all", "of "}));
}

TEST(Profile, writes_a_trace_of_events_that_nest) {
  const Tensor x = ones({4, 3}), w = variable(ones({3, 2}));
  const Profile profile;
  steps(x, w).backward();
  const TemporaryFolder folder;
  const std::string path = folder.file("trace.json");
  profile.write_trace(path);
  const auto trace = nlohmann::json::parse(std::ifstream(path));
  std::map<std::string, int> kinds;
  double before = -1;
  nlohmann::json frame;
  for (const auto& event : trace["traceEvents"]) {
    EXPECT_EQ(event["ph"], "X");
    EXPECT_GE(event["dur"].get<double>(), 0);
    ++kinds[event["cat"].get<std::string>()];
    if (event["name"] == "encoder" && frame.is_null()) frame = event;
    if (event["cat"] == "scope") continue;
    EXPECT_GE(event["ts"].get<double>(), before);
    before = event["ts"];
    EXPECT_TRUE(event["args"]["scope"].get<std::string>().starts_with("encoder"));
  }
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"forward", 4}, {"backward", 4}, {"scope", 3}}));
  EXPECT_EQ(trace["traceEvents"][0]["name"], "matmul");
  EXPECT_LE(frame["ts"].get<double>(), trace["traceEvents"][0]["ts"].get<double>());
  EXPECT_TRUE(mentions(message_of<IoError>([&] { profile.write_trace("/nowhere/trace.json"); }),
                       {"/nowhere/trace.json"}));
}

}  // namespace
}  // namespace chainrule::test
