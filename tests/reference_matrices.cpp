// Functions of matrices for the references of rows.
// Each is for one matrix at a time, over the batch, in long double.

#include "reference_matrices.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace chainrule::reference::matrices {
namespace {

using Matrix = std::vector<std::vector<Number>>;

/// What f makes of each matrix of x, and shape_of of the sizes of one.
template <class F>
Array each(const Array& x, const F& f) {
  const std::size_t axes = x.shape.rank() - 2;
  const auto m = static_cast<std::size_t>(x.shape[axes]), n = static_cast<std::size_t>(x.shape[axes + 1]);
  std::vector<std::int64_t> sizes(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(axes));
  std::size_t count = 1;
  for (const std::int64_t size : sizes) count *= static_cast<std::size_t>(size);
  Array result;
  for (std::size_t k = 0; k < std::max<std::size_t>(count, 1); ++k) {
    Matrix matrix(m, std::vector<Number>(n, 1));
    if (count > 0)
      for (std::size_t i = 0; i < m * n; ++i) matrix[i / n][i % n] = x.values[k * m * n + i];
    const Array one = f(matrix, n);
    if (count > 0) result.values.insert(result.values.end(), one.values.begin(), one.values.end());
    if (k == 0) sizes.insert(sizes.end(), one.shape.begin(), one.shape.end());
  }
  result.shape = Shape(sizes);
  return result;
}

Array array_of(const Matrix& matrix, std::size_t columns) {
  Array result{{static_cast<std::int64_t>(matrix.size()), static_cast<std::int64_t>(columns)}, {}};
  for (const auto& line : matrix) result.values.insert(result.values.end(), line.begin(), line.end());
  return result;
}

/// A⁻¹ by Gauss and Jordan, and the determinant.
std::pair<Matrix, Number> inverted(Matrix a) {
  const std::size_t n = a.size();
  Matrix b(n, std::vector<Number>(n, 0));
  for (std::size_t i = 0; i < n; ++i) b[i][i] = 1;
  Number determinant = 1;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i; r < n; ++r)
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    if (pivot != i) determinant = -determinant;
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    determinant *= a[i][i];
    for (std::size_t r = 0; r < n; ++r) {
      const Number factor = r == i ? 1 - 1 / a[i][i] : a[r][i] / a[i][i];
      for (std::size_t c = 0; c < n; ++c) {
        const Number in_a = a[i][c], in_b = b[i][c];
        a[r][c] -= factor * in_a;
        b[r][c] -= factor * in_b;
      }
      if (r == i) continue;
    }
    for (std::size_t r = 0; r < n; ++r) a[r][i] = r == i ? 1 : 0;
  }
  return {b, determinant};
}
/// Eigenvalues in ascending order, and the squares of the elements of eigenvectors, by Jacobi's rotations.
std::pair<std::vector<Number>, Matrix> eigen(Matrix a) {
  const std::size_t n = a.size();
  Matrix v(n, std::vector<Number>(n, 0));
  for (std::size_t i = 0; i < n; ++i) v[i][i] = 1;
  for (int sweep = 0; sweep < 30; ++sweep)
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) {
        const Number angle = std::atan2(2 * a[p][q], a[q][q] - a[p][p]) / 2, c = std::cos(angle),
                     s = std::sin(angle);
        const auto rotate = [&](Number& x, Number& y) {
          const Number first = c * x - s * y;
          y = s * x + c * y;
          x = first;
        };
        for (std::size_t i = 0; i < n; ++i) rotate(a[i][p], a[i][q]);
        for (std::size_t i = 0; i < n; ++i) rotate(a[p][i], a[q][i]);
        for (std::size_t i = 0; i < n; ++i) rotate(v[i][p], v[i][q]);
      }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a[i][i] < a[j][j]; });
  std::vector<Number> values;
  Matrix squares(n, std::vector<Number>(n));
  for (std::size_t j = 0; j < n; ++j) {
    values.push_back(a[order[j]][order[j]]);
    for (std::size_t i = 0; i < n; ++i) squares[i][j] = v[i][order[j]] * v[i][order[j]];
  }
  return {values, squares};
}
}  // namespace

Number exchanged(const Array& x, Position place) {
  std::swap(place[place.size() - 1], place[place.size() - 2]);
  return at(x, place);
}
Array transposed(const Array& x) {
  Shape shape = x.shape;
  std::swap(shape[shape.rank() - 1], shape[shape.rank() - 2]);
  return generate(shape, [&](const Position& place) { return exchanged(x, place); });
}
Array inverse_of(const Array& x) {
  return each(x, [](const Matrix& a, std::size_t n) { return array_of(inverted(a).first, n); });
}
Array determinant_of(const Array& x) {
  return each(x, [](const Matrix& a, std::size_t) { return Array{{}, {inverted(a).second}}; });
}

Array half(const Array& x, bool upper) {
  return generate(x.shape, [&](const Position& place) {
    const std::int64_t row = place[place.size() - 2], column = place.back();
    return (upper ? row <= column : row >= column) ? at(x, place) : 0;
  });
}

Array cholesky_of(const Array& x) {
  return each(x, [](const Matrix& a, std::size_t n) {
    Matrix l(n, std::vector<Number>(n, 0));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        const Number rest =
            a[i][j] - std::inner_product(l[i].begin(), l[i].begin() + static_cast<std::ptrdiff_t>(j),
                                         l[j].begin(), Number{0});
        l[i][j] = i == j ? std::sqrt(rest) : rest / l[j][j];
      }
    return array_of(l, n);
  });
}

Array orthonormal_of(const Array& x) {
  return each(x, [](const Matrix& a, std::size_t n) {
    Matrix q = a;
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = 0; k <= j; ++k) {
        Number product = 0;
        for (const auto& line : q) product += line[k] * line[j];
        for (auto& line : q) line[j] = k == j ? line[j] / std::sqrt(product) : line[j] - product * line[k];
      }
    return array_of(q, n);
  });
}

Array eigenvalues_of(const Array& x) {
  return each(x, [](const Matrix& a, std::size_t n) {
    return Array{{static_cast<std::int64_t>(n)}, eigen(a).first};
  });
}
Array squares_of_eigenvectors(const Array& x) {
  return each(x, [](const Matrix& a, std::size_t n) { return array_of(eigen(a).second, n); });
}
Array gram(const Array& x, bool left) { return left ? matmul(x, transposed(x)) : matmul(transposed(x), x); }
Array singular_values_of(const Array& x) {
  const std::size_t axes = x.shape.rank();
  const Array squares = eigenvalues_of(gram(x, x.shape[axes - 2] < x.shape[axes - 1]));
  return generate(squares.shape, [&](Position place) {
    place.back() = squares.shape.back() - 1 - place.back();
    return std::sqrt(at(squares, place));
  });
}
Array squares_of_singular_vectors(const Array& x, bool left) {
  const std::size_t axes = x.shape.rank();
  const Array ascending = squares_of_eigenvectors(gram(x, left));
  Shape shape = ascending.shape;
  shape[axes - 1] = std::min(x.shape[axes - 1], x.shape[axes - 2]);
  return generate(shape, [&](Position place) {
    place.back() = ascending.shape.back() - 1 - place.back();
    return at(ascending, place);
  });
}

Array exponential_of(const Array& x) {
  return each(x, [](const Matrix& a, std::size_t n) {
    Array power = array_of(Matrix(n, std::vector<Number>(n, 0)), n), total = power;
    for (std::size_t i = 0; i < n; ++i) power.values[i * n + i] = total.values[i * n + i] = 1;
    for (int k = 1; k < 60 && n > 0; ++k) {
      power = matmul(power, array_of(a, n));
      for (std::size_t i = 0; i < n * n; ++i) total.values[i] += power.values[i] /= k;
    }
    return total;
  });
}

}  // namespace chainrule::reference::matrices
