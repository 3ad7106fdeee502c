// What errors say: the operation, the tensors by name, the file and the line of the call.
// support.h reads and compares tensors.

#include <functional>

#include "chainrule/chainrule.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// What a call complains about, of whatever type.
std::string complaint(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

TEST(CallErrors, name_file_line_and_the_tensors_of_the_call) {
  const Tensor W = variable(ones({2, 3}), "W"), x = tensor({1.0, 2.0}).named("x"), nameless = ones({3, 4});
  const auto place = [](int line) { return "messages_test.cpp:" + std::to_string(line); };
  const auto names = [&](const std::function<void()>& call, int line, const std::vector<std::string>& words) {
    const std::string message = complaint(call);
    EXPECT_TRUE(message.ends_with(place(line))) << message << "\nshould end with line " << line;
    EXPECT_TRUE(mentions(message, words));
  };
  names([&] { (void)matmul(W, x); }, __LINE__, {"matmul: ", "called with 'W' and 'x' at "});
  names([&] { (void)(W + x); }, __LINE__, {"add: ", "called with 'W' and 'x' at "});
  names([&] { (void)(W * nameless); }, __LINE__, {"mul: ", "called with 'W' at "});
  names([&] { (void)(nameless + x.detach()); }, __LINE__, {"; called at "});
  names([&] { (void)sum(W, 5); }, __LINE__, {"sum: ", "'W'"});
  names([&] { (void)softmax(W, 2); }, __LINE__, {"softmax: ", "'W'"});
  names([&] { (void)reshape(W, {4}); }, __LINE__, {"reshape: ", "'W'"});
  names([&] { (void)permute(W, {0}); }, __LINE__, {"permute: ", "'W'"});
  names([&] { (void)swapaxes(W, 0, 7); }, __LINE__, {"swapaxes: ", "'W'"});
  names([&] { (void)broadcast_to(W, {5}); }, __LINE__, {"broadcast_to: ", "'W'"});
  names([&] { (void)index(W, {7}); }, __LINE__, {"index: ", "'W'"});
  names([&] { (void)take_rows(W, {7}); }, __LINE__, {"take_rows: ", "'W'"});
  names([&] { (void)where(W, W, x); }, __LINE__, {"where: ", "'W', 'W' and 'x'"});
  names([&] { (void)clamp(W, x, 1.0); }, __LINE__, {"clamp: ", "'W' and 'x'"});
  names([&] { (void)linear(x, W); }, __LINE__, {"linear: ", "'x' and 'W'"});
  names([&] { (void)cross_entropy(W, x); }, __LINE__, {"cross_entropy: ", "'W' and 'x'"});
  names([&] { (void)mse_loss(W, x); }, __LINE__, {"mse_loss: ", "'W' and 'x'"});
  names([&] { (void)concatenate({W, x}); }, __LINE__, {"concatenate: ", "'W' and 'x'"});
  names([&] { (void)stack({W, x}); }, __LINE__, {"stack: ", "'W' and 'x'"});
  names([&] { (void)concatenate({}); }, __LINE__, {"concatenate: no tensors"});
  names([&] { (void)stack({}); }, __LINE__, {"stack: no tensors"});
  names([&] { (void)take_rows(W, x); }, __LINE__, {"take_rows: ", "'W' and 'x'"});
  names([&] { (void)round(tensor({1, 2}), -1); }, __LINE__, {"round: "});
  names([&] { (void)all(W, 5); }, __LINE__, {"all: axis 5", "'W'"});
  names([&] { (void)any(W, 5); }, __LINE__, {"any: axis 5", "'W'"});
  names([&] { (void)amax(W, 5); }, __LINE__, {"amax: ", "'W'"});
  names([&] { (void)amin(W, 5); }, __LINE__, {"amin: ", "'W'"});
  names([&] { (void)moveaxis(W, 0, 5); }, __LINE__, {"moveaxis: ", "'W'"});
  names([&] { (void)swapdims(W, 0, 5); }, __LINE__, {"swapdims: ", "'W'"});
  names([&] { (void)unsqueeze(x, 5); }, __LINE__,
        {"unsqueeze: axis 5", "shape (2,); give one from -2 to 1", "'x'"});
  names([&] { (void)(W & x); }, __LINE__, {"&: takes bool, or whole numbers, not float64", "'W' and 'x'"});
  names([&] { (void)(W | x); }, __LINE__, {"|: takes bool", "logical_or"});
  names([&] { (void)(W ^ x); }, __LINE__, {"^: takes bool", "logical_xor"});
  names([&] { (void)~W; }, __LINE__, {"~: takes bool", "'W'"});
  names([&] { (void)((x > 0) & (W > 0)); }, __LINE__, {"&: shapes do not broadcast: (2,) and (2, 3)"});
}

TEST(CallErrors, of_empty_handles_name_file_and_line) {
  const Tensor empty, x = tensor({1.0, 2.0});
  const auto place = [](int line) { return "messages_test.cpp:" + std::to_string(line); };
  const auto names = [&](const std::function<void()>& call, int line) {
    const std::string message = complaint(call);
    EXPECT_TRUE(message.ends_with(place(line))) << message << "\nshould end with line " << line;
    EXPECT_TRUE(mentions(message, {"an empty handle has no"}));
  };
  names([&] { (void)exp(empty); }, __LINE__);
  names([&] { (void)relu(empty); }, __LINE__);
  names([&] { (void)-empty; }, __LINE__);
  names([&] { (void)(x + empty); }, __LINE__);
  names([&] { (void)(empty < 1); }, __LINE__);
  names([&] { (void)(empty & x); }, __LINE__);
  names([&] { (void)sum(empty); }, __LINE__);
  names([&] { (void)all(empty); }, __LINE__);
  names([&] { (void)matmul(x, empty); }, __LINE__);
  names([&] { (void)where(empty, x, x); }, __LINE__);
  names([&] { (void)transpose(empty); }, __LINE__);
  names([&] { (void)concatenate({x, empty}); }, __LINE__);
  names([&] { (void)stack({empty, x}); }, __LINE__);
  names([&] { (void)cross_entropy(empty, 1); }, __LINE__);
  names([&] { (void)nonzero(empty); }, __LINE__);
  names([&] { (void)map([](auto a) { return a; }, empty); }, __LINE__);
  names([&] { (void)zeros_like(empty); }, __LINE__);
  names([&] { (void)variable(empty); }, __LINE__);
  names([&] { (void)empty.grad(); }, __LINE__);
}

TEST(CallErrors, of_members_name_file_and_line) {
  const Tensor W = variable(ones({2, 3}), "W"), empty;
  const auto names = [&](const std::function<void()>& call, int line) {
    const std::string message = complaint(call);
    EXPECT_TRUE(message.ends_with("messages_test.cpp:" + std::to_string(line))) << message;
  };
  names([&] { (void)W[7]; }, __LINE__);
  names([&] { (void)W[{0, 7}]; }, __LINE__);
  names([&] { (void)W[{Slice{0, 1, 0}}]; }, __LINE__);
  names([&] { (void)W.reshape({4}); }, __LINE__);
  names([&] { (void)empty.T(); }, __LINE__);
  EXPECT_EQ(Graph(W[0]).output().here.line, __LINE__);
}

TEST(CallErrors, of_map_name_the_tensors_file_and_line) {
  const Tensor W = variable(ones({2, 3}), "W"), x = tensor({1.0, 2.0}).named("x");
  const std::string line = ":" + std::to_string(__LINE__ + 1);
  const std::string message = complaint([&] { (void)map([](auto a, auto b) { return a * b; }, W, x); });
  EXPECT_TRUE(message.starts_with("map: ")) << message;
  EXPECT_TRUE(mentions(message, {"; called with 'W' and 'x' at "}));
  EXPECT_TRUE(message.ends_with("messages_test.cpp" + line)) << message;
  const auto formula = [](auto a) { return a + 1; };
  const Tensor y = map(formula, W);
  EXPECT_EQ(Graph(y).output().here.line, __LINE__ - 1);
}

TEST(CallErrors, of_making_and_reading_tensors_name_file_and_line) {
  Generator generator(1);
  const Tensor W = variable(ones({2, 3}), "W"), whole = tensor({1, 2}).named("n"), loss = sum(W * W);
  const std::vector<std::vector<int>> ragged = {{1, 2}, {3}};
  const std::vector<double> two = {1, 2};
  const auto names = [&](const std::function<void()>& call, int line, const std::vector<std::string>& words) {
    const std::string message = complaint(call);
    EXPECT_TRUE(message.ends_with("at " __FILE__ ":" + std::to_string(line))) << message;
    EXPECT_TRUE(mentions(message, words));
  };
  names([&] { (void)zeros({-1}); }, __LINE__, {"zeros: "});
  names([&] { (void)ones({-1}); }, __LINE__, {"ones: "});
  names([&] { (void)full({-1}, 2); }, __LINE__, {"full: "});
  names([&] { (void)eye(-1); }, __LINE__, {"eye: "});
  names([&] { (void)arange(INT64_MIN, INT64_MAX); }, __LINE__, {"arange: "});
  names([&] { (void)arange(0, 5, 0); }, __LINE__, {"arange: "});
  names([&] { (void)arange(0.0, 5.0, 0.0); }, __LINE__, {"arange: "});
  names([&] { (void)linspace(0, 1, -1); }, __LINE__, {"linspace: "});
  names([&] { (void)logspace(0, 1, -1); }, __LINE__, {"logspace: "});
  names([&] { (void)rand({-1}, generator); }, __LINE__, {"rand: "});
  names([&] { (void)randn({2}, generator, DType::int64); }, __LINE__, {"randn: "});
  names([&] { (void)randperm(-1, generator); }, __LINE__, {"randperm: "});
  names([&] { (void)randint(3, 3, {2}, generator); }, __LINE__, {"randint: "});
  names([&] { (void)tensor(UINT64_MAX); }, __LINE__, {"tensor: ", "int64"});
  names([&] { (void)tensor({1.0, 2.0}, {3}); }, __LINE__, {"tensor: 2 elements"});
  names([&] { (void)tensor({{1, 2}, {3}}); }, __LINE__, {"tensor: ragged rows"});
  names([&] { (void)tensor(ragged); }, __LINE__, {"tensor: ragged rows"});
  names([&] { (void)tensor(two, {3}); }, __LINE__, {"tensor: 2 elements"});
  names([&] { (void)from_blob(two.data(), {-1}); }, __LINE__, {});
  names([&] { (void)variable(whole); }, __LINE__, {"variable: ", "'n'"});
  names([&] { (void)W.item(); }, __LINE__, {"item: ", "'W'"});
  names([&] { (void)W.data<float>(); }, __LINE__, {"data: ", "'W'"});
  names([&] { (void)whole.grad(); }, __LINE__, {"grad: ", "'n'"});
  names([&] { W.backward(); }, __LINE__, {"backward: ", "'W'"});
  names([&] { W.backward(ones({5})); }, __LINE__, {"backward: ", "'W'"});
  names([&] { (void)gradients(W, {W}); }, __LINE__, {"gradients: ", "'W'"});
  names([&] { (void)gradients(loss, {whole}); }, __LINE__, {"gradients: ", "'n'"});
  names([&] { (void)jvp(loss, W, ones({5})); }, __LINE__, {"jvp: ", "'W'"});
  names([&] { (void)polygamma(-1, W); }, __LINE__, {"polygamma: ", "'W'"});
  names([&] { (void)vector_norm(W, std::nan("")); }, __LINE__, {"vector_norm: ", "'W'"});
  names([&] { (void)hardtanh(W, 2, 1); }, __LINE__, {"hardtanh: ", "'W'"});
  EXPECT_THROW((void)polygamma(-1, W), std::invalid_argument);
}

TEST(CallErrors, of_too_large_results_name_what_was_called_and_ask_for_no_memory) {
  const TensorLimit limit(1 << 20);
  Generator generator(1);
  const Tensor x = ones({1, 300}).named("x");
  const auto names = [&](const std::string& name, const std::function<void()>& call) {
    const std::string message = complaint(call);
    EXPECT_TRUE(message.starts_with(name + ": too large: ")) << name << " gives " << message;
  };
  const std::int64_t huge = std::int64_t{1} << 40;
  names("add", [&] { (void)(x + ones({1000, 1})); });
  names("matmul", [&] { (void)matmul(ones({1000, 1}), x); });
  names("outer", [&] { (void)outer(ones({1000}), x[0]); });
  names("broadcast_to", [&] { (void)broadcast_to(x, {huge, 300}); });
  names("repeat", [&] { (void)repeat(x, {huge, 1}); });
  names("tile", [&] { (void)tile(x, {huge, 1}); });
  names("repeat_interleave", [&] { (void)repeat_interleave(x, huge); });
  names("pad", [&] { (void)pad(x, {huge, huge}); });
  names("concatenate", [&] { (void)concatenate(std::vector<Tensor>(1000, x)); });
  names("kron", [&] { (void)kron(ones({30, 30}), ones({30, 30})); });
  names("diag", [&] { (void)diag(ones({1000})); });
  names("one_hot", [&] { (void)one_hot(tensor({1}), huge); });
  names("zeros", [&] { (void)zeros({huge}); });
  names("ones", [&] { (void)ones({huge}); });
  names("full", [&] { (void)full({huge}, 3); });
  names("eye", [&] { (void)eye(1 << 20); });
  names("arange", [&] { (void)arange(0, huge); });
  names("linspace", [&] { (void)linspace(0, 1, huge); });
  names("rand", [&] { (void)rand({huge}, generator); });
  names("randn", [&] { (void)randn({huge}, generator); });
  names("randint", [&] { (void)randint(0, 2, {huge}, generator); });
  names("bincount", [&] { (void)bincount(tensor({huge})); });
  names("cdist", [&] { (void)cdist(ones({1000, 1}), ones({1000, 1})); });
  names("take_rows", [&] { (void)take_rows(x, zeros({1000}, DType::int64)); });
  names("meshgrid", [&] { (void)meshgrid({x[0], ones({1000})}); });
  const std::string placed = complaint([&] { (void)repeat(x, {huge, 1}); });
  EXPECT_TRUE(mentions(placed, {"; called with 'x' at ", "messages_test.cpp:"})) << placed;
}

TEST(CallErrors, name_no_place_in_the_library) {
  Generator generator(1);
  const std::string message = complaint([&] { (void)Linear(-1, 2, generator); });
  EXPECT_FALSE(mentions(message, {".cpp"})) << message;
  EXPECT_NE(message, "nothing");
}

TEST(CallErrors, of_calls_on_parameters_and_in_layers_name_the_call_that_the_user_wrote) {
  Generator generator(1);
  const Mlp network({3, 4, 2}, generator);
  const Tensor x = zeros({5, 7}).named("x");
  const std::string line = ":" + std::to_string(__LINE__ + 1);
  const std::string message = complaint([&] { (void)network(x); });
  EXPECT_TRUE(message.ends_with("messages_test.cpp" + line)) << message;
  EXPECT_TRUE(mentions(message, {"'x'", "'layer1.weight'"}));
}

TEST(CallErrors, of_many_tensors_name_the_first_ones) {
  std::vector<Tensor> tensors;
  for (int i = 0; i < 100; ++i) tensors.push_back(zeros({i}).named("t" + std::to_string(i)));
  tensors.push_back(zeros({2, 2}));
  const std::string message = complaint([&] { (void)concatenate(tensors); });
  EXPECT_TRUE(mentions(message, {"'t0', 't1'", "..."}));
  EXPECT_LT(message.size(), 400U);
}

TEST(CallErrors, can_be_had_without_the_place) {
  const Tensor x = zeros({2}).named("x");
  try {
    (void)(x + zeros({3}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_TRUE(without_place(error).ends_with("; called with 'x'")) << without_place(error);
  }
  EXPECT_EQ(without_place(std::runtime_error("plain")), "plain");
}

TEST(CallErrors, leave_errors_of_other_types_as_they_are) {
  struct Mine {};
  const auto throwing = [](auto x) {
    if (sizeof(x) > 0) throw Mine();
    return x;
  };
  EXPECT_THROW((void)map(throwing, tensor({1.0, 2.0})), Mine);
}

TEST(Messages, name_the_function_that_was_called) {
  Generator generator(1);
  const Tensor x = variable({1.0, 2.0}, "x"), whole = tensor({1, 2}), matrix = ones({2, 3});
  const Dataset data{ones({4, 2}), zeros({4}, DType::int64), 2},
      uneven{ones({3, 2}), zeros({4}, DType::int64), 2};
  const Standardizer scale(data.x);
  const struct {
    std::string function;
    std::function<void()> call;
  } cases[] = {
      {"linspace", [] { (void)linspace(0, 1, -1); }},
      {"zeros", [] { (void)zeros({-1}); }},
      {"ones", [] { (void)ones({-1}); }},
      {"full", [] { (void)full({-1}, 2); }},
      {"rand", [&] { (void)rand({-1}, generator); }},
      {"randn", [&] { (void)randn({-1}, generator); }},
      {"randperm", [&] { (void)randperm(-1, generator); }},
      {"variable", [&] { (void)variable(whole); }},
      {"Parameter", [&] { (void)Parameter(whole, "w"); }},
      {"Parameter::assign", [&] { Parameter(x, "w").assign(matrix); }},
      {"Linear", [&] { (void)Linear(0, 1, generator); }},
      {"Linear", [&] { (void)Linear(Parameter(x, "w"), Parameter(x, "b")); }},
      {"Mlp",
       [&] {
         (void)Mlp({2, -1}, generator);
       }},
      {"Mlp", [&] { (void)Mlp({2}, generator); }},
      {"he_normal", [&] { (void)he_normal(0, 1, generator); }},
      {"Sgd", [] { (void)Sgd({}); }},
      {"Sgd::step", [&] { Sgd({Parameter(x, "w")}).step(); }},
      {"gradients", [&] { (void)gradients(x * x, {x}); }},
      {"gradients", [&] { (void)gradients(sum(x), {whole}); }},
      {"gradients", [&] { (void)gradients(sum(x), {x}, {.seed = matrix}); }},
      {"jvp", [&] { (void)jvp(x * x, whole, whole); }},
      {"jvp", [&] { (void)jvp(x * x, x, matrix); }},
      {"backward", [&] { (x * x).backward(); }},
      {"grad", [&] { (void)whole.grad(); }},
      {"zero_grad", [&] { whole.zero_grad(); }},
      {"item", [&] { (void)x.item(); }},
      {"data", [&] { (void)whole.data<float>(); }},
      {"predicted_classes", [&] { (void)predicted_classes(x); }},
      {"accuracy", [&] { (void)accuracy(x, whole); }},
      {"accuracy",
       [&] {
         (void)accuracy(ones({2, 2}), x);
       }},
      {"accuracy",
       [&] {
         (void)accuracy(ones({2, 2}), zeros({3}, DType::int64));
       }},
      {"evaluate", [&] { (void)evaluate([&](const Tensor&) { return x; }, data); }},
      {"split", [&] { (void)split(uneven, 0.5, generator); }},
      {"Batches", [&] { (void)Batches(uneven, 2, generator); }},
      {"Batches", [&] { (void)Batches(data, 0, generator); }},
      {"Standardizer", [&] { (void)Standardizer(x); }},
      {"Standardizer",
       [&] {
         (void)scale(ones({4, 3}));
       }},
      {"half_moons", [&] { (void)half_moons(-1, 0, generator); }},
      {"take_rows", [&] { (void)take_rows(data, std::vector<std::int64_t>{9}); }},
      {"mse_loss", [&] { (void)mse_loss(matrix, x); }},
      {"hinge_loss", [&] { (void)hinge_loss(matrix, x); }},
      {"cross_entropy", [&] { (void)cross_entropy(matrix, zeros({3}, DType::int64)); }},
      {"log_softmax", [&] { (void)log_softmax(x, 4); }},
      {"logsumexp", [&] { (void)logsumexp(x, 4); }},
      {"norm", [&] { (void)norm(x, 4); }},
      {"prod", [&] { (void)prod(x, 4); }},
      {"mean", [&] { (void)mean(x, 4); }},
      {"max", [&] { (void)max(zeros({0})); }},
      {"swapaxes", [&] { (void)swapaxes(x, 0, 4); }},
      {"stack",
       [&] {
         (void)stack({x, matrix});
       }},
      {"sub", [&] { (void)(x - matrix); }},
      {"maximum", [&] { (void)maximum(x, matrix); }},
      {"clamp",
       [&] {
         (void)clamp(tensor({1, 2}), ones({3}, DType::int64), 4);
       }},
      {"less", [&] { (void)(x < matrix); }},
  };
  for (const auto& one : cases) {
    // The library's own sources are no place to send a user to.
    EXPECT_EQ(complaint(one.call).find(".cpp:") != std::string::npos,
              complaint(one.call).find("messages_test.cpp:") != std::string::npos)
        << complaint(one.call);
    EXPECT_TRUE(complaint(one.call).starts_with(one.function + ": "))
        << one.function << ": " << complaint(one.call);
  }
}

}  // namespace
}  // namespace chainrule::test
