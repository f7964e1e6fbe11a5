/*
 * Pictures for tools/bench classify, such as a data set of photographs has them.
 *
 *     photo_files DIR COUNT WIDTH HEIGHT      DIR (there already)/photo_000000.jpg and on, and DIR/labels.txt
 *                                             with a class from 0 to 999 for each
 *
 * Three layers of noise, coarse to fine, in colour: some 1.5 bits a pixel as JPEG of quality 90, as
 * photographs have.
 */
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace
{

cv::Mat photo(uint64_t seed, int width, int height)
{
    cv::RNG random(seed);
    cv::Mat sum(height, width, CV_32FC3, cv::Scalar::all(0));
    const struct {
        int edge;      /* pixels from one value of the noise to the next */
        double height; /* standard deviation, in grey levels */
    } layers[] = {{64, 45}, {16, 20}, {4, 7}};
    for (const auto &layer : layers) {
        cv::Mat coarse(height / layer.edge + 2, width / layer.edge + 2, CV_32FC3), fine;
        random.fill(coarse, cv::RNG::NORMAL, 128.0 / 3, layer.height);
        cv::resize(coarse, fine, sum.size(), 0, 0, cv::INTER_CUBIC);
        sum += fine;
    }
    cv::Mat bytes;
    sum.convertTo(bytes, CV_8UC3);
    return bytes;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 5) {
        std::fprintf(stderr, "photo_files: usage is at the top of photo_files.cpp\n");
        return 2;
    }
    const std::string dir = argv[1];
    const int count = std::atoi(argv[2]), width = std::atoi(argv[3]), height = std::atoi(argv[4]);
    FILE *labels = std::fopen((dir + "/labels.txt").c_str(), "w");
    if (!labels || width < 1 || height < 1)
        return EXIT_FAILURE;
    const std::vector<int> quality = {cv::IMWRITE_JPEG_QUALITY, 90};
    for (int i = 0; i < count; i++) {
        char name[32];
        std::snprintf(name, sizeof name, "photo_%06d.jpg", i);
        std::fprintf(labels, "%s %d\n", name, i * 7 % 1000);
        if (!cv::imwrite(dir + "/" + name, photo(static_cast<uint64_t>(i) + 1, width, height),
                         quality))
            return EXIT_FAILURE;
    }
    return std::fclose(labels) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
