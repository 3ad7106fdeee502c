// Special functions that are computed number after number: their accuracy against mpmath's numbers, their
// ends, and derivatives that keep the digits of tails.

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What mpmath gives, of one number or two.
struct Known {
  double x, y;
};
struct KnownOfTwo {
  double a, x, y;
};

double units(double got, double right) {
  return std::abs(got - right) / (std::nextafter(std::abs(right), infinity) - std::abs(right));
}

void expect_known(const std::string& name, const std::function<Tensor(const Tensor&)>& f,
                  const std::vector<Known>& all, double most = 4) {
  for (const auto& [x, y] : all) {
    EXPECT_LE(units(f(tensor(x)).item(), y), most) << name << ' ' << x;
    const double single = f(cast(tensor(x), DType::float32)).item();
    if (static_cast<double>(static_cast<float>(x)) == x && std::abs(y) < 1e38 && std::abs(y) > 1e-37) {
      EXPECT_EQ(single, static_cast<double>(static_cast<float>(y))) << name << ' ' << x << " in float32";
    }
  }
}
void expect_known(const std::string& name, Tensor (*f)(const Operand&, const Operand&),
                  const std::vector<KnownOfTwo>& all, double most = 4) {
  for (const auto& [a, x, y] : all) EXPECT_LE(units(f(a, x).item(), y), most) << name << ' ' << a << ' ' << x;
}

/// The derivative of this order.
std::function<Tensor(const Tensor&)> derivative(Tensor (*f)(const Operand&), int order) {
  return [=](const Tensor& at) {
    const Tensor x = variable(at);
    Tensor y = f(x);
    for (int i = 0; i < order; ++i) y = gradients(y, {x}, {.create_graph = true}).at(x);
    return y.detach();
  };
}

TEST(SpecialFunctions, have_the_digits_of_mpmath) {
  expect_known("i0", i0,
               {{1e-10, 1.0},
                {0.5, 1.0634833707413236},
                {3.0, 4.8807925858650245},
                {20.0, 43558282.559553534},
                {29.9, 708478330489.0145},
                {30.1, 862432920031.7792},
                {100.0, 1.0737517071310738e+42},
                {700.0, 1.5295933476718737e+302}});
  expect_known("i1", i1,
               {{1e-10, 5e-11},
                {0.5, 0.2578943053908963},
                {3.0, 3.9533702174026093},
                {20.0, 42454973.38512777},
                {29.9, 696528308361.0927},
                {30.1, 847983630191.5414},
                {100.0, 1.0683693903381625e+42},
                {700.0, 1.5285003902339006e+302}});
  expect_known("i0e", i0e,
               {{1e-10, 0.9999999999},
                {0.5, 0.6450352704491501},
                {3.0, 0.2430003541618254},
                {20.0, 0.08978031188482602},
                {29.9, 0.07326921904600191},
                {30.1, 0.07302329413106094},
                {100.0, 0.03994437929909668},
                {700.0, 0.015081295651531358},
                {1000000.0, 0.00039894233026924577}});
  expect_known("i1e", i1e,
               {{1e-10, 4.9999999995e-11},
                {0.5, 0.1564208031848717},
                {3.0, 0.19682671329730086},
                {20.0, 0.08750622218328867},
                {29.9, 0.07203337491186879},
                {30.1, 0.07179985435101434},
                {100.0, 0.03974415302513025},
                {700.0, 0.015070519444716848},
                {1000000.0, 0.0003989421307980308}});
  expect_known("ndtri", ndtri,
               {{1e-300, -37.0470962993612},
                {1e-20, -9.262340089798407},
                {0.01, -2.326347874040841},
                {0.0999, -1.2821215797087744},
                {0.1001, -1.2809819674733192},
                {0.3, -0.5244005127080408},
                {0.8999, 1.2809819674733194},
                {0.9001, 1.2821215797087746},
                {0.999999, 4.753424308817087}});
  expect_known("log_ndtr", log_ndtr,
               {{-100000000.0, -5000000000000019.0},
                {-100.0, -5005.524208694205},
                {-35.1, -620.4829497048892},
                {-34.9, -613.4772446953714},
                {-3.0, -6.607726221510349},
                {-1.0, -1.8410216450092636},
                {0.5, -0.3689464152886564},
                {5.0, -2.866516129637636e-07},
                {20.0, -2.7536241186062337e-89}});
  expect_known("gammainc", gammainc,
               {{1e-10, 0.5, 0.9999999999440227},
                {0.2, 1e-08, 0.027357568509225664},
                {0.3, 1.9, 0.9749915908600023},
                {0.7, 1.2, 0.8111850967723921},
                {2.5, 3.4, 0.7640554623054786},
                {2.5, 40.0, 0.9999999999999991},
                {12.5, 3.0, 3.426768617027624e-05},
                {900.0, 870.0, 0.1586093554314812},
                {1001.0, 900.0, 0.0004906327328575939},
                {10000.0, 10100.0, 0.8413487504471796},
                {1116.0, 582.0, 5.893200568544373e-86},
                {22.57481468011939, 1.393089503412816e-10, 4.687593264706119e-245},
                {3.0, 1e-05, 1.666654166716667e-16}});
  expect_known("gammaincc", gammaincc,
               {{1e-10, 0.5, 5.597735948054988e-11},
                {0.2, 1e-08, 0.9726424314907743},
                {0.3, 1.9, 0.025008409139997672},
                {0.7, 1.2, 0.1888149032276078},
                {2.5, 3.4, 0.2359445376945214},
                {2.5, 40.0, 8.391825114831611e-16},
                {12.5, 3.0, 0.9999657323138297},
                {900.0, 870.0, 0.8413906445685188},
                {1001.0, 900.0, 0.9995093672671425},
                {10000.0, 10100.0, 0.15865124955282037},
                {1116.0, 582.0, 1.0},
                {3.0, 1e-05, 0.9999999999999998}});
  expect_known("betaln", betaln,
               {{0.5, 0.25, 1.6571065161914822},
                {1e-10, 3.0, 23.025850929790458},
                {10000000000.0, 2.0, -46.051701859980916},
                {100000000.0, 100000000.0, -138629444.05681732},
                {11.9, 12.1, -16.601190846370113},
                {1e-05, 1000000000000.0, 11.512643382684667}});
}

TEST(SpecialFunctions, have_derivatives_that_keep_the_digits_of_tails) {
  expect_known("of log_ndtr", derivative(log_ndtr, 1),
               {{-1000.0, 1000.000999998},
                {-35.0, 35.028524970596685},
                {-3.1, 3.3761969902250675},
                {-2.9, 3.190315139542982},
                {0.0, 0.7978845608028654},
                {5.0, 1.4867199409049056e-06}},
               8);
  expect_known("twice of log_ndtr", derivative(log_ndtr, 2),
               {{-1000.0, -0.999999000006},
                {-35.0, -0.9991876448316174},
                {-3.1, -0.9324954471070941},
                {-2.9, -0.9261967849225089},
                {0.0, -0.6366197723675814},
                {5.0, -7.433601914860711e-06}},
               40);
  expect_known("of i0e", derivative(i0e, 1), {{1e6, -1.9947121500246404e-10}}, 8);
  EXPECT_EQ(derivative(i0e, 1)(tensor(0.0)).item(), 0);
  EXPECT_EQ(derivative(i1e, 1)(tensor(0.0)).item(), 0.5);
  EXPECT_EQ(derivative(i1, 1)(tensor(0.0)).item(), 0.5);
  EXPECT_EQ(derivative(i0, 4)(tensor(0.0)).item(), 0.375);
  EXPECT_EQ(derivative(entr, 1)(tensor(0.0)).item(), infinity);
}

TEST(SpecialFunctions, are_right_at_their_ends) {
  const auto ends = [](Tensor (*f)(const Operand&), const Operand& x) { return values(f(x)); };
  EXPECT_TRUE(equals(ndtri({0.0, 1.0, 0.5, -1.0, nan}), {5}, {-infinity, infinity, 0, nan, nan}));
  EXPECT_TRUE(equals(log_ndtr({-infinity, infinity, nan}), {3}, {-infinity, 0, nan}));
  EXPECT_TRUE(equals(entr({0.0, 1.0, -1.0, infinity, nan}), {5}, {0, 0, -infinity, -infinity, nan}));
  EXPECT_TRUE(equals(i0({0.0, -infinity, nan}), {3}, {1, infinity, nan}));
  EXPECT_TRUE(equals(i1({0.0, -infinity}), {2}, {0, -infinity}));
  EXPECT_TRUE(equals(i0e({infinity, -infinity}), {2}, {0, 0}));
  EXPECT_EQ(ends(i1, -2.0)[0], -ends(i1, 2.0)[0]);
  EXPECT_TRUE(equals(gammainc({0, 0, 1, 2, 2, -1}, {1.0, 0.0, 0.0, infinity, -1.0, 1.0}), {6},
                     {1, nan, 0, 1, nan, nan}));
  EXPECT_TRUE(equals(gammaincc({0, 0, 1, 2}, {1.0, 0.0, 0.0, infinity}), {4}, {0, nan, 1, 0}));
  EXPECT_TRUE(equals(betaln({0, -1, 2}, {1.0, 1.0, infinity}), {3}, {infinity, nan, -infinity}));
  EXPECT_NEAR(betaln(1, 1).item(), 0, 1e-17);
}

TEST(SpecialFunctions, say_that_there_is_no_derivative) {
  const Tensor a = variable(2.0), x = variable(1.0);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { (void)gradients(gammainc(a, x), {a}); }),
                       {"gammainc", "input 0", "detach"}));
  EXPECT_NEAR(gradients(gammainc(a.detach(), x), {x}).at(x).item(), std::exp(-1.0), 1e-15);
}

}  // namespace
}  // namespace chainrule::test
